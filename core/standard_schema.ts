/**
 * A schema of any library that follows Standard Schema, version 1 (https://standardschema.dev):
 * Zod, Valibot, ArkType and others. Structural, so none of them is a dependency.
 *
 * @typeParam Input What goes in.
 * @typeParam Output What comes out.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the standard asks for. */
  readonly "~standard": StandardSchemaProps<Input, Output>;
}

/** The properties of a {@linkcode StandardSchema}. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  /** Version of the standard. */
  readonly version: 1;
  /** Who made the schema. */
  readonly vendor: string;
  /**
   * Checks a value.
   *
   * @param value Anything.
   */
  readonly validate: (
    value: unknown,
  ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** Holds types only. */
  readonly types?: StandardSchemaTypes<Input, Output> | undefined;
}

/** The types of a {@linkcode StandardSchema}; never set. */
export interface StandardSchemaTypes<Input = unknown, Output = Input> {
  /** What goes in. */
  readonly input: Input;
  /** What comes out. */
  readonly output: Output;
}

/** What a check gives: the value, or what is wrong with it. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

/** One thing that is wrong. */
export interface StandardSchemaIssue {
  /** What, for people. */
  readonly message: string;
  /** Where, from the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
