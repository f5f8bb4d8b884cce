// Says what ids are called, for mentions.

export function namesOf(store) {
  const guild = store.guild;
  return {
    user: (id) => store.nameOf(id),
    role: (id) => guild?.roles.find((each) => each.id === id)?.name.replace(/^@/, "") ?? "unknown role",
    channel: (id) => guild?.channels.find((each) => each.id === id)?.name ?? "unknown",
  };
}

// The same person has the same colour everywhere.
export function hueOf(id) {
  let sum = 7;
  for (const digit of id.slice(-9)) sum = (sum * 31 + Number(digit)) % 3600;
  return sum % 360;
}

export function initialsOf(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}
