// $(NAME) references in commands, arguments and values (third_party/forked/golang/expansion).

/** Replaces `$(NAME)` by what `lookup` gives; `$$` is a dollar; references to what is unknown stay as they are. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name?: string) => {
    if (whole === '$$') return '$';
    return lookup(name ?? '') ?? whole;
  });
}
