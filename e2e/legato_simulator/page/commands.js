// The slash commands as one flat list, and which of them fit what is typed. Pure.

const SUBCOMMAND = 1;
const GROUP = 2;

// An entry: { path: "settings dj", about, options, bot, botId }.
export function entriesOf(offers) {
  return offers.flatMap(({ bot, bot_id: botId, command }) =>
    flat(command, command.name).map((each) => ({ ...each, bot, botId, command })),
  );
}

function flat(node, path) {
  const options = node.options ?? [];
  const nested = options.filter((each) => each.type === SUBCOMMAND || each.type === GROUP);
  if (!nested.length) return [{ path, about: node.description, options: inOrder(options) }];
  return nested.flatMap((each) => flat(each, `${path} ${each.name}`));
}

// Required ones first, as Discord shows them.
function inOrder(options) {
  return [...options.filter((each) => each.required), ...options.filter((each) => !each.required)];
}

export function matching(entries, typed) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return entries;
  const starting = entries.filter((each) => each.path.startsWith(wanted));
  const within = entries.filter((each) => !starting.includes(each) && mentions(each, wanted));
  return [...starting, ...within];
}

function mentions(entry, wanted) {
  if (entry.path.includes(wanted)) return true;
  return entry.about
    .toLowerCase()
    .split(/\s+/)
    .some((word) => word.startsWith(wanted));
}

// The command that "/play har" begins with, and the rest; only where nothing longer could be meant.
export function begun(entries, typed) {
  const fitting = entries.filter((each) => typed.startsWith(`${each.path} `));
  const entry = fitting.sort((one, other) => other.path.length - one.path.length)[0];
  return entry ? { entry, rest: typed.slice(entry.path.length + 1) } : null;
}
