// What is known of one node, layer or block.

class Details {
  constructor(place, model, show) {
    this.place = place;
    this.model = model;
    this.show = show;
  }

  update(item) {
    this.place.hidden = !item;
    if (!item) return;
    const close = element("button", { type: "button", class: "close", "aria-label": "Close", click: () => this.show(null) }, "×");
    this.place.replaceChildren(element("div", {}, close, item.isBlock ? this.block(item) : this.vertex(item)));
    this.place.scrollTop = 0;
  }

  block(block) {
    const vertices = this.model.within(block);
    const kinds = new Map();
    for (const vertex of vertices) {
      const kind = vertex.kind ?? vertex.type;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    const rows = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, count]) => [kind, grouped(count)]);
    const last = vertices[vertices.length - 1];
    return [
      element("h2", {}, block.label),
      element("p", { class: "kind" }, `block of ${plural(vertices.length, "node")}`),
      facts([
        ["parameters", grouped(this.model.parameters(block))],
        ["multiply-adds", this.model.multiplyAdds(block) ? compact(this.model.multiplyAdds(block)) : ""],
        ["output", last.shape ? shapeText(last.shape) : ""],
      ]),
      this.errors(vertices),
      section("Kinds", facts(rows)),
      section("Nodes", element("ul", { class: "links" }, vertices.slice(0, 100).map((vertex) => element("li", {}, this.link(vertex)))),
        vertices.length > 100 && element("p", { class: "soft" }, `and ${plural(vertices.length - 100, "more node")}`)),
    ];
  }

  vertex(vertex) {
    const layer = vertex.layer ? this.model.layers.get(vertex.layer) : null;
    const kind = vertex.kind ? this.model.data.kinds[vertex.kind] : null;
    const operands = vertex.operands.map((operand) =>
      operand.length === 3 ? [operand[0], this.value(this.model.vertices[operand[1]], operand[2])] : operand);
    const consumers = [...new Set(vertex.consumers.map((consumer) => consumer.vertex))];
    const uses = layer ? this.model.vertices.filter((other) => other.layer === layer.name && other !== vertex) : [];
    return [
      element("h2", {}, vertex.name),
      element("p", { class: "kind" }, vertex.kind ?? `${vertex.type} of the network`),
      vertex.kind === "opaque" && element("p", { class: "bad" }, "Refused: this operator has no exact meaning in the catalogue. It is kept as it was, and nothing is computed from it."),
      kind && element("p", { class: "meaning" }, kind.meaning),
      this.errors([vertex]),
      facts([
        ["output", vertex.shape ? shapeText(vertex.shape) : "shape unknown"],
        ["dtype", vertex.dtype ?? ""],
        ["multiply-adds", vertex.multiply_adds ? compact(vertex.multiply_adds) : ""],
        ["parameters", layer && layer.parameters ? grouped(layer.parameters) : ""],
      ]),
      vertex.attributes?.length ? section("Attributes", facts(vertex.attributes, kind.attributes)) : null,
      operands.length ? section("Operands", facts(operands)) : null,
      consumers.length ? section("Used by", element("ul", { class: "links" }, consumers.slice(0, 40).map((other) => element("li", {}, this.link(other))))) : null,
      uses.length ? section("The same layer", element("ul", { class: "links" }, uses.map((other) => element("li", {}, this.link(other))))) : null,
      ...(layer ? layerSections(layer, kind) : []),
    ];
  }

  errors(vertices) {
    const rows = vertices.flatMap((vertex) => vertex.rows);
    if (!rows.length) return null;
    const worst = rows.reduce((a, b) => (errorOf(b) > errorOf(a) ? b : a));
    const bad = rows.filter((row) => !row.ok);
    const first = rows.find((row) => row.isFirst);
    const text = bad.length ? `${plural(bad.length, "comparison")} of ${rows.length} beyond the tolerance` : `equal in ${plural(rows.length, "comparison")}`;
    const causes = [...new Set(bad.map((row) => row.hint).filter(Boolean))];
    return element("div", { class: `comparison ${bad.length ? "bad" : "good"}` },
      element("strong", {}, first ? "First divergence: " : "", text),
      element("p", {}, `largest error ${errorText(errorOf(worst))} of the scale, tolerance ${numberText(worst.tolerance)}`),
      causes.map((cause) => element("p", {}, `Likely cause: ${cause}`)));
  }

  value(vertex, output) {
    return [this.link(vertex), output ? ` output ${output}` : "", vertex.shape && !output ? element("span", { class: "soft" }, ` ${shapeText(vertex.shape)}`) : ""];
  }

  link(vertex) {
    return element("button", { type: "button", class: "link", click: () => this.show(vertex) }, vertex.name);
  }
}

/** What is stored of a layer: its tensors, and where they are from. */
function layerSections(layer, kind) {
  const typing = { graph: "the graph of its source", names: "names and shapes: inferred", user: "its module" };
  return [
    section("Layer", facts([
      ["name", layer.name],
      ["kind known from", typing[layer.typed_by] ?? layer.typed_by],
      ["source node", layer.node ?? ""],
      ["source operator", layer.operator ?? ""],
    ])),
    layer.tensors.length ? section("Tensors", layer.tensors.map((tensor) => tensorBox(tensor, kind))) : null,
  ];
}

function tensorBox(tensor, kind) {
  const { statistics, origin } = tensor;
  const changed = origin && origin.rule !== "identity";
  return element("div", { class: "tensor" },
    element("h4", {}, tensor.role ?? tensor.key, element("span", { class: "soft" }, ` ${shapeText(tensor.shape)} ${tensor.dtype}${tensor.buffer ? ", a statistic" : ""}`)),
    statistics && statisticsOf(tensor),
    facts([
      ["key", tensor.key],
      ["from", origin ? origin.arrays.join(", ") : ""],
      ["made by", origin ? [changed ? element("strong", {}, origin.rule) : origin.rule, origin.meaning && changed ? `: ${origin.meaning}` : ""] : ""],
      ["SHA-256", tensor.sha256 ? element("code", {}, tensor.sha256) : ""],
    ], kind?.roles));
}

function statisticsOf(tensor) {
  const { statistics } = tensor;
  const share = (count) => `${grouped(count)} (${numberText((100 * count) / Math.max(tensor.elements, 1))} %)`;
  const alarms = [["NaN", statistics.nan], ["infinite", statistics.infinite]].filter(([, count]) => count);
  return element("div", {},
    alarms.map(([name, count]) => element("p", { class: "bad" }, `${name}: ${share(count)}`)),
    statistics.histogram.length > 1 && histogram(statistics.histogram, statistics.minimum, statistics.maximum),
    element("p", { class: "soft" }, [
      statistics.histogram.length === 1 ? `all ${numberText(statistics.minimum)}` : `mean ${numberText(statistics.mean)}`,
      statistics.zeros ? `zeros ${share(statistics.zeros)}` : "no zeros",
      alarms.length ? "" : "no NaN, all finite",
    ].filter(Boolean).join(", ")));
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

/** Pairs of names and values, without those of empty values; `meanings` are shown when the pointer is over a name. */
function facts(pairs, meanings = {}) {
  const kept = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return element("dl", {}, kept.map(([name, value]) => [element("dt", { title: meanings[name] }, name), element("dd", {}, value)]));
}
