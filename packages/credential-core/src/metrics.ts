export interface StorageMetrics {
  snapshot(): unknown;
}
