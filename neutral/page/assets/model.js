// The network as data: vertices (inputs, nodes, outputs) in execution order, and blocks over consecutive ones.

const COLOURS = {
  convolution: "heavy", linear: "heavy", matrix: "heavy", attention: "attention", recurrent: "recurrent",
  normalization: "norm", activation: "activation", dropout: "plain", pooling: "pool", resize: "pool",
  "elementwise binary": "arithmetic", "elementwise unary": "arithmetic", reduction: "arithmetic", loss: "arithmetic",
  detection: "detection", regions: "detection", basic: "plain",
};

class Model {
  constructor(data) {
    this.data = data;
    this.layers = new Map(data.layers.map((layer) => [layer.name, layer]));
    this.vertices = data.graph.vertices.map((vertex, index) => ({ ...vertex, index, consumers: [], rows: [] }));
    for (const vertex of this.vertices) {
      for (const [, source, output] of valuesOf(vertex)) this.vertices[source].consumers.push({ vertex, output });
    }
    this.root = this.block("", data.graph.tree, null);
    this.addVerification(data.verification);
  }

  block(label, members, parent) {
    const block = { label, parent, open: parent === null, isBlock: true };
    block.members = members.map((member) => {
      if (typeof member !== "number") return this.block(member.label, member.members, block);
      const vertex = this.vertices[member];
      vertex.parent = block;
      return vertex;
    });
    block.first = firstOf(block.members[0] ?? { index: 0 });
    block.last = lastOf(block.members[block.members.length - 1] ?? { index: -1 });
    return block;
  }

  addVerification(verification) {
    if (!verification) return;
    const nodes = new Map(this.vertices.filter((vertex) => vertex.type === "node").map((vertex) => [vertex.name, vertex]));
    const layers = new Map();
    for (const vertex of nodes.values()) if (vertex.layer && !layers.has(vertex.layer)) layers.set(vertex.layer, vertex);
    const outputs = this.vertices.filter((vertex) => vertex.type === "output");
    let output = 0;
    verification.rows.forEach((row, index) => {
      row.isFirst = index === verification.first_divergence;
      row.vertex = row.layer === null ? outputs[output++] : nodes.get(row.source) ?? layers.get(row.layer);
      row.vertex?.rows.push(row);
    });
  }

  /** The vertices of a block, or the vertex itself. */
  within(item) {
    return item.isBlock ? this.vertices.slice(item.first, item.last + 1) : [item];
  }

  /** "bad" if a comparison of an item failed, "good" if there are some and none did. */
  status(item) {
    const rows = this.within(item).flatMap((vertex) => vertex.rows);
    return rows.length ? (rows.every((row) => row.ok) ? "good" : "bad") : "";
  }

  hasFirst(item) {
    return this.within(item).some((vertex) => vertex.rows.some((row) => row.isFirst));
  }

  colour(vertex) {
    if (vertex.type !== "node") return "end";
    if (vertex.kind === "opaque") return "opaque";
    return COLOURS[this.data.kinds[vertex.kind].family] ?? "plain";
  }

  parameters(item) {
    const names = new Set(this.within(item).map((vertex) => vertex.layer).filter(Boolean));
    return [...names].reduce((sum, name) => sum + this.layers.get(name).parameters, 0);
  }

  multiplyAdds(item) {
    return this.within(item).reduce((sum, vertex) => sum + (vertex.multiply_adds ?? 0), 0);
  }

  blocks(block = this.root) {
    return block.members.filter((member) => member.isBlock).flatMap((member) => [member, ...this.blocks(member)]);
  }

  /** The outermost folded block around an item, or the item itself. */
  visible(item) {
    let result = item;
    for (let block = item.parent; block; block = block.parent) if (!block.open) result = block;
    return result;
  }

  find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (vertex) => {
      const content = `${vertex.name} ${vertex.kind ?? vertex.type}`.toLowerCase();
      return words.every((word) => content.includes(word));
    };
    return words.length ? this.vertices.filter(matches) : [];
  }
}

/** The operands of a vertex that are values, each [name, vertex, output]; others are literals. */
function valuesOf(vertex) {
  return vertex.operands.filter((operand) => operand.length === 3);
}

function firstOf(item) {
  return item.isBlock ? item.first : item.index;
}

function lastOf(item) {
  return item.isBlock ? item.last : item.index;
}

/** Kernel and stride of a window, such as "3×3 / 2", or an empty text. */
function windowText(vertex) {
  const values = new Map(vertex.attributes ?? []);
  const sizes = (name) => (values.get(name) ?? "").match(/\d+/g);
  const kernel = sizes("kernel_size");
  if (!kernel) return "";
  const stride = sizes("stride") ?? [];
  const steps = stride.some((step) => step !== "1") ? ` / ${stride.every((step) => step === stride[0]) ? stride[0] : stride.join("×")}` : "";
  return kernel.join("×") + steps;
}
