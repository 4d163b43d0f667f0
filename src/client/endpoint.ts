export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with the host in brackets if it is an IPv6 address. Undefined: it is none. */
export function parseEndpoint(endpoint: string): HostAndPort | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(endpoint) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
