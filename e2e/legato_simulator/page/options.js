// A command's options: what each kind takes, and what is wrong with what was given. Pure.
// https://discord.com/developers/docs/interactions/application-commands

export const STRING = 3;
export const INTEGER = 4;
export const BOOLEAN = 5;
export const USER = 6;
export const CHANNEL = 7;
export const ROLE = 8;
export const MENTIONABLE = 9;
export const NUMBER = 10;
export const ATTACHMENT = 11;

const PLACES = { 0: "text", 2: "voice", 4: "category", 13: "stage" };

export function isNumber(option) {
  return option.type === INTEGER || option.type === NUMBER;
}

// What can be chosen, { name, value }; null where anything may be typed.
export function choicesOf(option, view, guild) {
  if (option.choices?.length) return option.choices.map(({ name, value }) => ({ name, value }));
  const person = (id) => view.people.find((each) => each.id === id);
  const people = guild.members
    .map(person)
    .filter(Boolean)
    .map((each) => ({ name: each.name, value: each.id, about: each.username }));
  const roles = guild.roles.map((each) => ({ name: each.name, value: each.id }));
  const wanted = option.channel_types?.map((each) => PLACES[each]);
  const places = guild.channels
    .filter((each) => !wanted?.length || wanted.includes(each.kind))
    .map((each) => ({ name: each.name, value: each.id, about: each.kind }));
  const kinds = {
    [BOOLEAN]: [
      { name: "True", value: true },
      { name: "False", value: false },
    ],
    [USER]: people,
    [CHANNEL]: places,
    [ROLE]: roles,
    [MENTIONABLE]: [...people, ...roles],
  };
  return kinds[option.type] ?? null;
}

export function fitting(choices, typed) {
  const wanted = typed.trim().toLowerCase();
  const found = choices.filter((each) => each.name.toLowerCase().includes(wanted));
  return found.slice(0, 25);
}

// Reads a field: { value }, { problem }, or {} for nothing given. `chosen` is what was picked.
export function read(option, text, chosen, choices) {
  if (chosen) return { value: chosen.value };
  const typed = text.trim();
  if (!typed) return option.required ? { problem: "This option is required." } : {};
  if (option.type === ATTACHMENT)
    return { problem: "The simulator can't attach files to commands." };
  if (choices) {
    const same = choices.find((each) => each.name.toLowerCase() === typed.toLowerCase());
    return same ? { value: same.value } : { problem: "Choose one of the list." };
  }
  return isNumber(option) ? number(option, typed) : words(option, text);
}

function number(option, typed) {
  const value = Number(typed.replace(",", "."));
  const whole = option.type === INTEGER;
  if (Number.isNaN(value) || (whole && !Number.isInteger(value))) {
    return { problem: whole ? "Type a whole number." : "Type a number." };
  }
  const { min_value: low, max_value: high } = option;
  if ((low ?? value) > value || (high ?? value) < value)
    return { problem: `Type ${range(low, high)}.` };
  return { value };
}

function words(option, text) {
  const { min_length: low = 0, max_length: high = 6000 } = option;
  const length = [...text].length;
  if (length < low) return { problem: `Type at least ${low} characters.` };
  return length > high
    ? { problem: `Type at most ${high} characters; these are ${length}.` }
    : { value: text };
}

function range(low, high) {
  if (low === undefined || low === null) return `at most ${high}`;
  return high === undefined || high === null ? `at least ${low}` : `from ${low} to ${high}`;
}

// One line about an option.
export function about(option) {
  const limits = [];
  if (isNumber(option)) {
    const { min_value: low, max_value: high } = option;
    if ((low ?? high) !== undefined) limits.push(range(low, high));
    else limits.push(option.type === INTEGER ? "a whole number" : "a number");
  }
  limits.push(option.required ? "required" : "optional");
  return limits.join(", ");
}
