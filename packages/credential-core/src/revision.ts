declare const revisionBrand: unique symbol;

/** State of one credential, opaque: compare for equality only. */
export type Revision = string & { readonly [revisionBrand]: never };
