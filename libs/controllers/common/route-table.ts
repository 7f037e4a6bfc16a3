// Routes of a network as controllers of a cloud see them: those that they have made, and no others.

/** Routes outlive the process that makes them. Destinations are single addresses or ranges, as they were given. */
export interface RouteTable {
  /** All that were ever led and not closed: destinations to the addresses that they lead to. */
  routes(): Promise<Map<string, string>>;
  /** From now on the destination leads there, and nowhere else. */
  lead(destination: string, to: string): Promise<void>;
  /** The destination leads nowhere. One that leads nowhere already is no error. */
  close(destination: string): Promise<void>;
}
