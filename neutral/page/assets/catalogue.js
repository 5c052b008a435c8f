// The catalogue of an archive: one row for each checkpoint, failures first.

const ORDER = ["failed", "converted", "superseded", "duplicate"];
const { entries } = readDocument();

prepareTheme();
fillCatalogue();

function fillCatalogue() {
  const count = (status) => entries.filter((entry) => entry.status === status).length;
  const parts = ORDER.filter(count).map((status) => `${grouped(count(status))} ${status}`);
  const stored = entries.filter((entry) => entry.status === "converted");
  const total = (name) => stored.reduce((sum, entry) => sum + entry[name], 0);
  byId("title").textContent = plural(entries.length, "checkpoint");
  byId("origin").textContent = [...parts, `${compact(total("parameters"))} parameters`, byteSize(total("nbytes"))].join(" · ");
  const columns = [
    { title: "status", value: (entry) => ORDER.indexOf(entry.status), cell: (entry) => entry.status },
    { title: "model", value: (entry) => entry.name, cell: link },
    { title: "marks", value: (entry) => marks(entry).join(", "), cell: (entry) => marks(entry).map((mark) => element("span", { class: "mark" }, mark)) },
    { title: "layers", right: true, value: (entry) => entry.layers, cell: (entry) => grouped(entry.layers) },
    { title: "parameters", right: true, value: (entry) => entry.parameters, cell: (entry) => grouped(entry.parameters) },
    { title: "dtypes", value: (entry) => entry.dtypes.join(", ") },
    { title: "size", right: true, value: (entry) => entry.nbytes, cell: (entry) => byteSize(entry.nbytes) },
    { title: "error", value: (entry) => entry.error ?? "" },
    { title: "source SHA-256", value: (entry) => entry.digest ?? "", cell: (entry) => element("code", { title: entry.digest ?? undefined }, shortened(entry.digest ?? "", 17)) },
  ];
  byId("entries").append(table(entries, columns, {
    sort: "status",
    filter: "Filter checkpoints",
    choices: [
      ["all", () => true],
      ...ORDER.map((status) => [status, (entry) => entry.status === status]),
      ["with opaque operators", (entry) => entry.opaque > 0],
      ["without a graph", (entry) => entry.has_graph === false],
    ],
    className: (entry) => (entry.status === "failed" ? "bad" : ""),
  }));
}

/** What a reader should know before using a store. */
function marks(entry) {
  const result = [];
  if (entry.opaque) result.push(plural(entry.opaque, "opaque operator"));
  if (entry.has_graph === false) result.push("no graph");
  return result;
}

/** The name, which leads to the store; the address was made and quoted by the archive. */
function link(entry) {
  return entry.address ? element("a", { href: entry.address }, entry.name) : entry.name;
}
