export { describeConformance, type TestRunner } from './conformance/describe.ts';
export type { ConformanceHarness, ConformanceSizes } from './conformance/harness.ts';
export { type ConformanceCase, type ConformanceSuite, conformanceSuite } from './conformance/suite.ts';
export { underFaults } from './conformance/under-faults.ts';
export { injectFaults } from './faults/driver.ts';
export type { Fault } from './faults/fault.ts';
export {
  type FaultLogEntry,
  type FaultPlan,
  type FaultRequest,
  type FaultScript,
  type LoggingFaultPlan,
  type RandomFaultKind,
  type RandomFaultOptions,
  randomFaults,
  type ScriptLine,
  scriptedFaults,
} from './faults/plan.ts';
export type { MemoryDriverOptions, MemoryProviderOptions, SwitchableCapability } from './memory/config.ts';
export { MemoryDriver } from './memory/driver.ts';
export { MemoryStorageProvider } from './memory/provider.ts';
export { MemoryStorage, type MemoryStorageOptions } from './memory/storage.ts';
