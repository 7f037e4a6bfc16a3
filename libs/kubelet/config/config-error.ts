/** A setting that cannot be used; the message names the field, in upstream's words where it has some. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
}

/** The file is no KubeletConfiguration. */
export class DecodeError extends ConfigError {
  override readonly name = 'DecodeError';
}
