// Tables that can be sorted and filtered; long ones are shown in parts, and empty columns are left out.

const FIRST_ROWS = 200, LONG = 40;

/**
 * Return a table.
 *
 * allColumns: each with `title`; `value(row)` to sort and search by; optionally `cell(row)`, what is shown; `right`.
 * options: `filter`, the label of a field to filter by; `choices`, a list of [label, predicate]; `className(row)`;
 * `open(row)`, what a click on a row does; `sort`, the title of the column to sort by at first.
 */
function table(rows, allColumns, options = {}) {
  const columns = allColumns.filter((column) => rows.some((row) => column.value(row) !== ""));
  const first = columns.findIndex((column) => column.title === options.sort);
  const state = { sort: first < 0 ? null : first, down: false, text: "", choice: 0, all: false };
  const head = element("tr");
  const body = element("tbody");
  const foot = element("p", { class: "more" });
  const count = element("span", { class: "count", role: "status" });

  function visible() {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const choice = options.choices?.[state.choice]?.[1] ?? (() => true);
    const kept = rows.filter((row) => {
      if (!choice(row)) return false;
      const text = words.length ? columns.map((column) => column.value(row)).join(" ").toLowerCase() : "";
      return words.every((word) => text.includes(word));
    });
    if (state.sort === null) return kept;
    const value = columns[state.sort].value;
    const sign = state.down ? -1 : 1;
    return kept
      .map((row, place) => ({ row, place, key: value(row) }))
      .sort((a, b) => sign * compare(a.key, b.key) || a.place - b.place)
      .map((item) => item.row);
  }

  function draw() {
    const kept = visible();
    const shown = state.all ? kept : kept.slice(0, FIRST_ROWS);
    body.replaceChildren(...shown.map(drawRow));
    count.textContent = kept.length === rows.length ? plural(rows.length, "row") : `${grouped(kept.length)} of ${plural(rows.length, "row")}`;
    foot.replaceChildren();
    if (shown.length < kept.length) {
      const text = `Show all ${grouped(kept.length)}`;
      foot.append(element("button", { type: "button", click: () => { state.all = true; draw(); } }, text));
    }
    columns.forEach((column, number) => {
      const order = state.sort !== number ? "none" : state.down ? "descending" : "ascending";
      head.children[number].setAttribute("aria-sort", order);
    });
  }

  function drawRow(row) {
    const cells = columns.map((column) => {
      const value = column.cell ? column.cell(row) : column.value(row);
      const isLong = String(value.textContent ?? value).length > LONG;
      return element("td", { class: column.right ? "right" : isLong && "long" }, value);
    });
    const result = element("tr", { class: options.className?.(row) }, cells);
    if (options.open) {
      result.tabIndex = 0;
      result.classList.add("link");
      result.addEventListener("click", () => options.open(row));
      result.addEventListener("keydown", (event) => { if (event.key === "Enter") options.open(row); });
    }
    return result;
  }

  columns.forEach((column, number) => {
    const sort = () => {
      state.down = state.sort === number ? !state.down : Boolean(column.right);
      state.sort = number;
      draw();
    };
    head.append(element("th", { scope: "col", class: column.right && "right" }, element("button", { type: "button", click: sort }, column.title)));
  });

  const tools = element("div", { class: "table-tools" });
  if (options.filter) {
    const changed = (event) => { state.text = event.target.value; draw(); };
    tools.append(element("input", { type: "search", placeholder: options.filter, "aria-label": options.filter, input: changed }));
  }
  if (options.choices) {
    const changed = (event) => { state.choice = Number(event.target.value); draw(); };
    const items = options.choices.map(([label, predicate], number) =>
      element("option", { value: number }, `${label} (${grouped(rows.filter(predicate).length)})`));
    tools.append(element("select", { "aria-label": "Show", change: changed }, items));
  }
  tools.append(count);
  draw();
  const grid = element("table", {}, element("thead", {}, head), body);
  return element("div", { class: "table" }, tools, element("div", { class: "scroll" }, grid), foot);
}

function compare(a, b) {
  const numbers = typeof a === "number" && typeof b === "number";
  return numbers ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}
