import type { ByteSource } from "./byte-source.ts";
import type { Container } from "./container.ts";
import type { Limits } from "./limits.ts";
import type { Bundle, OpenBundleOptions } from "./read-bundle.ts";
import type { WriteLayoutOptions, WrittenLayout } from "./write-layout.ts";

/**
 * How a product arranges its backup within a container: which entries there are and what they mean. Beside the container, a port: a further
 * product's format is a file in `layouts` and a line in `layouts/index.ts`.
 */
export interface Layout {
  readonly name: string;
  /** Whether a container's entries are laid out so. Asked in the order of registration; the last one takes what is left. */
  recognizes(container: Container): boolean;
  /**
   * The same logical bundle whatever the layout: a manifest, tables whose rows are bytes, files.
   * @throws BackupError with the code of what is wrong, for what cannot be opened; all else is a verification's to find.
   */
  open(container: Container, context: OpenLayoutContext): Promise<Bundle>;
  /**
   * Arranges a verified bundle so. Nothing is read before the body is pulled.
   * @throws BackupError `SCHEMA_SCOPE` for a bundle that the layout has no place for.
   */
  write(bundle: Bundle, options: WriteLayoutOptions): Promise<WrittenLayout>;
}

export interface OpenLayoutContext extends OpenBundleOptions {
  source: ByteSource;
  limits: Limits;
}
