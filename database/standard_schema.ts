/**
 * The part of the Standard Schema specification, version 1 (standardschema.dev), that rows are
 * checked by. Zod, Valibot, ArkType and others have it as they are; so has any object with this
 * shape.
 *
 * @typeParam T What the schema gives.
 */
export interface StandardSchema<T> {
  /** The specification's one property. */
  readonly "~standard": StandardSchemaProps<T>;
}

/** What stands behind the property `~standard`. */
export interface StandardSchemaProps<T> {
  /** Version of the specification. */
  readonly version: 1;
  /** Who made the schema. */
  readonly vendor: string;
  /**
   * Checks a value, and may transform it.
   *
   * @param value The row.
   */
  readonly validate: (
    value: unknown,
  ) => StandardSchemaResult<T> | Promise<StandardSchemaResult<T>>;
}

/** What a check gives: a value, or issues. */
export interface StandardSchemaResult<T> {
  /** The value, when there are no issues. */
  readonly value?: T;
  /** Why the value is refused; absent when it is not. */
  readonly issues?: readonly StandardSchemaIssue[] | undefined;
}

/** One reason why a value is refused. */
export interface StandardSchemaIssue {
  /** For people. Not shown by the library: it may quote the value. */
  readonly message: string;
  /** Where in the value; keys, or objects that hold one. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
