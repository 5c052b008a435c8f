// Numbers, shapes and names as text.

const HIDDEN_CHARACTERS = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;

/** Escape what a reader could not see or what would turn the direction of the text. */
function printable(text) {
  return String(text).replace(HIDDEN_CHARACTERS, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");
}

function grouped(count) {
  return count.toLocaleString("en");
}

function plural(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A count with three digits and a unit. */
function compact(count) {
  for (const [size, unit] of [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]]) {
    if (count >= size) return Number((count / size).toPrecision(3)) + unit;
  }
  return String(count);
}

function byteSize(count) {
  return count < 1000 ? plural(count, "byte") : compact(count) + "B";
}

function shapeText(shape) {
  if (!shape) return "?";
  return shape.length ? shape.map((size) => (size === null ? "?" : size)).join("×") : "scalar";
}

/** Four significant digits; numbers that JSON lacks are text already. */
function numberText(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

function shortened(text, length) {
  const characters = Array.from(text);
  if (characters.length <= length) return text;
  const tail = Math.floor((length - 1) / 2);
  return characters.slice(0, length - 1 - tail).join("") + "…" + characters.slice(-tail).join("");
}
