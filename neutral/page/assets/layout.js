// Places of boxes: each open block is laid out for itself, and then is one box of the block around it.

const FONT = "system-ui, sans-serif";
const TITLE = `600 13px ${FONT}`, TEXT = `11px ${FONT}`;
const PADDING = 14, HEADER = 26, MOST_LETTERS = 34, PORT_HEIGHT = 20;

/** Few different widths, so that blocks that are alike have one arrangement. */
function stepped(width) {
  return Math.ceil(width / 24) * 24;
}

class Layout {
  constructor(model) {
    this.model = model;
    this.pen = document.createElement("canvas").getContext("2d");
    this.widths = new Map();
    this.arrangements = new Map();
  }

  /** All boxes and edges in one coordinate system, for the blocks that are open now. */
  scene() {
    const boxes = [], edges = [];
    const place = (layout, x, y, depth) => {
      for (const edge of layout.edges) edges.push({ ...edge, points: edge.points.map((point) => ({ x: point.x + x, y: point.y + y })) });
      for (const box of layout.boxes) {
        boxes.push({ ...box, x: box.x + x, y: box.y + y, depth });
        if (box.inner) place(box.inner, x + box.x + (box.width - box.inner.width) / 2, y + box.y + HEADER, depth + 1);
      }
    };
    const layout = this.block(this.model.root);
    place(layout, 0, 0, 0);
    return { boxes, edges, width: layout.width, height: layout.height };
  }

  /** Forget the layout of a block and of those around it. */
  changed(block) {
    for (let each = block; each; each = each.parent) each.layout = null;
  }

  block(block) {
    block.layout ??= this.compute(block);
    return block.layout;
  }

  compute(block) {
    const nodes = block.members.map((item) => ({ item, ...this.size(item) }));
    const edges = this.connect(block, nodes);
    const { places, paths, width, height } = this.arrange(nodes, edges);
    return {
      boxes: nodes.map((node, number) => ({ ...node, ...places[number] })),
      edges: edges.map((edge, number) => ({ ...edge, points: paths[number] })),
      width,
      height,
    };
  }

  /** Return the edges of a block, and add a port to its nodes for each value from outside, or that is used there. */
  connect(block, nodes) {
    const places = new Map(), ports = new Map(), edges = new Map();
    block.members.forEach((item, number) => {
      for (let index = firstOf(item); index <= lastOf(item); index++) places.set(index, number);
    });
    const port = (vertex, direction) => {
      const name = `${direction} ${vertex.index}`;
      if (!ports.has(name)) {
        const text = shortened(printable(vertex.label), MOST_LETTERS);
        ports.set(name, nodes.push({ item: vertex, port: direction, lines: [text], width: stepped(this.width(text, TEXT) + 28), height: PORT_HEIGHT }) - 1);
      }
      return ports.get(name);
    };
    const connect = (start, end, from) => {
      const key = `${start} ${end}`;
      if (start !== end && !edges.has(key)) edges.set(key, { start, end, from });
    };
    for (let index = block.first; index <= block.last; index++) {
      const vertex = this.model.vertices[index], place = places.get(index);
      for (const [, source] of valuesOf(vertex)) {
        const from = this.model.vertices[source];
        connect(places.get(source) ?? port(from, "from"), place, from);
      }
      if (vertex.consumers.some((consumer) => !places.has(consumer.vertex.index))) connect(place, port(vertex, "to"), vertex);
    }
    return [...edges.values()];
  }

  /** Place nodes and edges; networks repeat their blocks, so that most arrangements are known already. */
  arrange(nodes, edges) {
    const key = JSON.stringify([nodes.map((node) => [node.width, node.height]), edges.map((edge) => [edge.start, edge.end])]);
    if (this.arrangements.has(key)) return this.arrangements.get(key);
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 30, edgesep: 12 });
    nodes.forEach(({ width, height }, number) => graph.setNode(String(number), { width, height }));
    edges.forEach(({ start, end }) => graph.setEdge(String(start), String(end), {}));
    dagre.layout(graph);
    const places = nodes.map((node, number) => {
      const { x, y } = graph.node(String(number));
      return { x: x - node.width / 2, y: y - node.height / 2 };
    });
    const paths = edges.map(({ start, end }) => graph.edge(String(start), String(end)).points);
    const { width, height } = graph.graph();
    const arrangement = { places, paths, width: Math.max(width, 0), height: Math.max(height, 0) };
    this.arrangements.set(key, arrangement);
    return arrangement;
  }

  size(item) {
    if (item.isBlock && item.open) {
      const inner = this.block(item);
      const header = this.width(shortened(item.label, MOST_LETTERS), TITLE) + 120;
      return { inner, width: stepped(Math.max(inner.width + 2 * PADDING, header)), height: inner.height + HEADER + PADDING };
    }
    const lines = this.lines(item);
    const widths = lines.map((line, number) => this.width(line, number ? TEXT : TITLE));
    const extra = item.isBlock ? 56 : 30;
    return { lines, width: stepped(Math.max(96, ...widths.map((width) => width + extra))), height: 14 + 16 * lines.length };
  }

  /** What a box says: its name, what it is, and the shape of its output. */
  lines(item) {
    const name = shortened(printable(item.label), MOST_LETTERS);
    if (item.isBlock) {
      const parameters = this.model.parameters(item);
      const size = plural(item.last - item.first + 1, "node") + (parameters ? `, ${compact(parameters)} parameters` : "");
      const shape = this.model.vertices[item.last].shape;
      return [name, size, ...(shape ? [shapeText(shape)] : [])];
    }
    const what = item.type === "node" ? [item.kind, windowText(item)].filter(Boolean).join("  ") : item.type;
    return [name, what, ...(item.shape ? [shapeText(item.shape)] : [])];
  }

  width(text, font) {
    const key = font + text;
    if (!this.widths.has(key)) {
      this.pen.font = font;
      this.widths.set(key, Math.ceil(this.pen.measureText(text).width));
    }
    return this.widths.get(key);
  }
}
