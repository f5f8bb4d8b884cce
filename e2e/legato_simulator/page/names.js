// Says what ids are called, for mentions.

export function namesOf(store) {
  const guild = store.guild;
  return {
    user: (id) => store.nameOf(id),
    role: (id) =>
      guild?.roles.find((each) => each.id === id)?.name.replace(/^@/, "") ?? "unknown role",
    channel: (id) => guild?.channels.find((each) => each.id === id)?.name ?? "unknown",
  };
}

// The same person has the same colour everywhere.
export function hueOf(id) {
  // Neighbouring ids are a golden angle apart.
  return Math.round((Number(id.slice(-7)) * 137.508) % 360);
}

export function initialsOf(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return words
    .slice(0, 2)
    .map((word) => [...word][0].toUpperCase())
    .join("");
}
