// The graph on the screen: moved, zoomed, selected and opened by pointer, touch and keyboard.
// Only what is in view is in the page, so that large graphs stay smooth.

const LEAST_SCALE = 0.04, MOST_SCALE = 3, MARGIN = 200, FAR = 0.45, VERY_FAR = 0.22;

class GraphView {
  /** `covered` tells how many pixels at the bottom something else covers. */
  constructor(svg, model, onSelect, covered) {
    this.svg = svg;
    this.covered = covered;
    this.model = model;
    this.onSelect = onSelect;
    this.layout = new Layout(model);
    this.view = { x: 0, y: 0, scale: 1 };
    this.selected = null;
    this.shown = new Map();
    this.frameLayer = drawing("g");
    this.edgeLayer = drawing("g");
    this.boxLayer = drawing("g");
    this.world = drawing("g", {}, this.frameLayer, this.edgeLayer, this.boxLayer);
    const arrow = drawing("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, drawing("path", { d: "M0,0.5 L8,4 L0,7.5 Z" }));
    svg.append(drawing("defs", {}, arrow), this.world);
    this.listen();
    this.update();
  }

  // What is drawn

  /** Lay out what is open now; the item `anchor` stays where it is on the screen. */
  update(anchor = null) {
    const before = anchor && this.boxOf(anchor);
    this.scene = this.layout.scene();
    this.boxes = new Map(this.scene.boxes.filter((box) => !box.port).map((box) => [box.item, box]));
    this.shown.forEach((node) => node.remove());
    this.shown.clear();
    const after = anchor && this.boxOf(anchor);
    if (before && after) {
      this.view.x += (before.x + before.width / 2 - after.x - after.width / 2) * this.view.scale;
      this.view.y += (before.y - after.y) * this.view.scale;
    }
    this.draw();
  }

  boxOf(item) {
    return this.boxes?.get(item);
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.drawNow();
    });
  }

  drawNow() {
    const { x, y, scale } = this.view;
    const { clientWidth, clientHeight } = this.svg;
    this.world.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
    this.svg.classList.toggle("far", scale < FAR);
    this.svg.classList.toggle("very-far", scale < VERY_FAR);
    const left = (-MARGIN - x) / scale, top = (-MARGIN - y) / scale;
    const right = (clientWidth + MARGIN - x) / scale, bottom = (clientHeight + MARGIN - y) / scale;
    const present = (thing, inView, layer, make) => {
      const node = this.shown.get(thing);
      if (inView && !node) {
        const made = make(thing);
        this.shown.set(thing, made);
        layer.append(made);
      } else if (!inView && node) {
        node.remove();
        this.shown.delete(thing);
      }
    };
    for (const box of this.scene.boxes) {
      const inView = box.x < right && box.x + box.width > left && box.y < bottom && box.y + box.height > top;
      present(box, inView, box.inner ? this.frameLayer : this.boxLayer, () => this.drawBox(box));
    }
    for (const edge of this.scene.edges) {
      edge.bounds ??= boundsOf(edge.points);
      const { bounds } = edge;
      const inView = bounds.left < right && bounds.right > left && bounds.top < bottom && bounds.bottom > top;
      present(edge, inView, this.edgeLayer, () => this.drawEdge(edge));
    }
    this.mark();
  }

  drawBox(box) {
    const { item } = box;
    const place = `translate(${box.x},${box.y})`;
    if (box.port) {
      const arrow = box.port === "from" ? "↓ " : "→ ";
      const rectangle = drawing("rect", { width: box.width, height: box.height, rx: 10 });
      const text = drawing("text", { x: box.width / 2, y: 14, "text-anchor": "middle" }, arrow + box.lines[0]);
      const node = drawing("g", { class: "port", transform: place }, drawing("title", {}, item.name), rectangle, text);
      node.box = box;
      return node;
    }
    const status = this.model.status(item);
    const first = status === "bad" && !box.inner && this.model.hasFirst(item);
    const colour = item.isBlock ? "block" : this.model.colour(item);
    const open = Boolean(box.inner);
    const classes = ["box", colour, open && "open", status, first && "first", box.depth % 2 ? "odd" : "even"].filter(Boolean).join(" ");
    const node = drawing("g", { class: classes, transform: place });
    node.box = box;
    if (item.isBlock && !open) node.append(drawing("rect", { class: "shadow", x: 4, y: 4, width: box.width, height: box.height, rx: 7 }));
    node.append(drawing("rect", { class: "frame", width: box.width, height: box.height, rx: colour === "end" ? box.height / 2 : 7 }));
    if (!item.isBlock && colour !== "end") node.append(drawing("path", { class: "strip", d: `M7,0 H5 A5,7 0 0 0 0,7 V${box.height - 7} A5,7 0 0 0 5,${box.height} H7 Z` }));
    if (open) {
      node.append(drawing("text", { class: "name", x: 36, y: 17 }, shortened(printable(item.label), MOST_LETTERS)));
    } else {
      const start = item.isBlock ? 38 : colour === "end" ? box.width / 2 : 17;
      const align = colour === "end" ? "middle" : "start";
      box.lines.forEach((line, number) => node.append(drawing("text", { class: ["name", "what", "shape"][number], x: start, y: 19 + 16 * number, "text-anchor": align }, line)));
    }
    if (item.isBlock) {
      const middle = open ? 13 : box.height / 2;
      const sign = open ? "M-4,0 H4" : "M-4,0 H4 M0,-4 V4";
      node.append(drawing("g", { class: "toggle", transform: `translate(19,${middle})` }, drawing("circle", { r: 9 }), drawing("path", { d: sign })));
    }
    if (status && !open) node.append(drawing("circle", { class: "status", cx: box.width - 2, cy: 2, r: first ? 7 : 5 }));
    if (first) node.append(drawing("text", { class: "first-label", x: box.width + 10, y: 8 }, "first divergence"));
    node.append(drawing("title", {}, item.isBlock ? item.label : `${item.name}: ${item.kind ?? item.type}`));
    return node;
  }

  drawEdge(edge) {
    const node = drawing("path", { class: "edge", d: curve(edge.points), "marker-end": "url(#arrow)" });
    node.edge = edge;
    return node;
  }

  /** Mark the selection, and the edges at it. */
  mark() {
    const shownItem = this.selected && this.model.visible(this.selected);
    for (const [thing, node] of this.shown) {
      if (node.box) node.classList.toggle("selected", !thing.port && thing.item === shownItem);
      else node.classList.toggle("lit", Boolean(this.selected) && touches(this.selected, thing));
    }
  }

  // The view

  zoom(factor, x = this.svg.clientWidth / 2, y = this.svg.clientHeight / 2) {
    const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, this.view.scale * factor));
    const ratio = scale / this.view.scale;
    this.view = { x: x - (x - this.view.x) * ratio, y: y - (y - this.view.y) * ratio, scale };
    this.draw();
  }

  pan(x, y) {
    this.view.x += x;
    this.view.y += y;
    this.draw();
  }

  /** Show the whole graph, or its beginning at a readable size. */
  fit(least = 0) {
    const { clientWidth, clientHeight } = this.svg;
    const { width, height } = this.scene;
    const wide = clientWidth / (width + 48), tall = clientHeight / (height + 48);
    const scale = Math.max(Math.min(wide, tall, 1.25), Math.min(least, wide), LEAST_SCALE);
    this.view = { x: (clientWidth - width * scale) / 2, y: Math.max((clientHeight - height * scale) / 2, 24), scale };
    this.draw();
  }

  /** Bring an item into view, if it is not. */
  reveal(item, always = false) {
    const box = this.boxOf(this.model.visible(item));
    if (!box) return;
    const wide = this.svg.clientWidth, tall = this.svg.clientHeight - this.covered();
    if (always && this.view.scale < FAR) this.view.scale = 0.9;
    const { scale } = this.view;
    const left = box.x * scale + this.view.x, top = box.y * scale + this.view.y;
    const right = left + box.width * scale, bottom = top + Math.min(box.height * scale, tall / 2);
    if (always || left < 20 || right > wide - 20) this.view.x = wide / 2 - (box.x + box.width / 2) * scale;
    if (always || top < 20 || bottom > tall - 20) this.view.y = tall / 2.5 - (box.y + Math.min(box.height, 60) / 2) * scale;
    this.draw();
  }

  // Selection and blocks

  select(item, options = {}) {
    this.selected = item;
    if (item && options.open) {
      let changed = false;
      for (let block = item.parent; block; block = block.parent) {
        if (!block.open) {
          block.open = changed = true;
          this.layout.changed(block);
        }
      }
      if (changed) this.update();
    }
    this.onSelect(item);
    if (item && options.reveal !== false) this.reveal(item, options.centre);
    this.draw();
  }

  toggle(block) {
    block.open = !block.open;
    this.layout.changed(block);
    this.update(block);
  }

  openAll(open) {
    for (const block of this.model.blocks()) {
      block.open = open;
      block.layout = null;
    }
    this.model.root.layout = null;
    this.update();
    this.fit(FAR);
  }

  /** Select along the data (1, -1), or the box beside the selected one. */
  step(along, across) {
    const current = this.selected && this.model.visible(this.selected);
    if (!current) return this.select(this.model.root.members[0]);
    let next;
    if (along) {
      const ends = this.model.within(current).flatMap((vertex) =>
        along > 0 ? vertex.consumers.map((consumer) => consumer.vertex) : valuesOf(vertex).map(([, source]) => this.model.vertices[source]));
      next = ends.find((vertex) => vertex.index < firstOf(current) || vertex.index > lastOf(current));
    } else {
      const here = this.boxOf(current);
      const beside = this.scene.boxes
        .filter((box) => !box.port && !box.inner && (box.x - here.x) * across > 0 && Math.abs(box.y - here.y) < 80)
        .sort((a, b) => Math.abs(a.x - here.x) - Math.abs(b.x - here.x));
      next = beside[0]?.item;
    }
    if (next) this.select(this.model.visible(next));
  }

  // Events

  listen() {
    const { svg } = this;
    const pointers = new Map();
    let moved = 0;
    const point = (event) => {
      const place = svg.getBoundingClientRect();
      return { x: event.clientX - place.left, y: event.clientY - place.top };
    };
    svg.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, point(event));
      if (pointers.size === 1) moved = 0;
    });
    svg.addEventListener("pointermove", (event) => {
      const from = pointers.get(event.pointerId), now = point(event);
      if (!from) return;
      moved += Math.abs(now.x - from.x) + Math.abs(now.y - from.y);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const before = Math.hypot(from.x - other.x, from.y - other.y), after = Math.hypot(now.x - other.x, now.y - other.y);
        if (before > 0) this.zoom(after / before, (now.x + other.x) / 2, (now.y + other.y) / 2);
      } else if (moved > 4) {
        svg.setPointerCapture(event.pointerId);
        this.pan(now.x - from.x, now.y - from.y);
      }
      pointers.set(event.pointerId, now);
    });
    const released = (event) => pointers.delete(event.pointerId);
    svg.addEventListener("pointerup", released);
    svg.addEventListener("pointercancel", released);
    svg.addEventListener("click", (event) => {
      if (moved > 4) return;
      const box = event.target.closest("g.box, g.port")?.box;
      if (!box) return this.select(null);
      if (box.port) return this.select(box.item, { open: true, centre: true });
      if (event.target.closest(".toggle")) this.toggle(box.item);
      this.select(box.item, { reveal: false });
    });
    svg.addEventListener("dblclick", (event) => {
      const item = event.target.closest("g.box")?.box.item;
      if (item?.isBlock && !event.target.closest(".toggle")) this.toggle(item);
    });
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const unit = event.deltaMode ? 24 : 1, { x, y } = point(event);
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY * unit * 0.004), x, y);
      else if (event.shiftKey) this.pan(-event.deltaY * unit, 0);
      else this.pan(-event.deltaX * unit, -event.deltaY * unit);
    }, { passive: false });
    svg.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = this.selected;
    const actions = {
      ArrowDown: () => this.step(1, 0),
      ArrowUp: () => this.step(-1, 0),
      ArrowLeft: () => this.step(0, -1),
      ArrowRight: () => this.step(0, 1),
      Enter: () => item?.isBlock && this.toggle(item),
      " ": () => item?.isBlock && this.toggle(item),
      Escape: () => this.select(null),
      Home: () => this.select(this.model.root.members[0]),
      End: () => this.select(this.model.root.members[this.model.root.members.length - 1]),
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
      0: () => this.fit(),
      e: () => this.openAll(true),
      f: () => this.openAll(false),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

function boundsOf(points) {
  const xs = points.map((point) => point.x), ys = points.map((point) => point.y);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** A smooth path through the middles of the segments between points, from the first to the last. */
function curve(points) {
  const middle = (a, b) => `${(a.x + b.x) / 2},${(a.y + b.y) / 2}`;
  const [first, ...rest] = points;
  let path = `M${first.x},${first.y}`;
  for (let number = 0; number < rest.length - 1; number++) {
    const end = number === rest.length - 2 ? `${rest[number + 1].x},${rest[number + 1].y}` : middle(rest[number], rest[number + 1]);
    path += ` Q${rest[number].x},${rest[number].y} ${end}`;
  }
  return rest.length === 1 ? `${path} L${rest[0].x},${rest[0].y}` : path;
}

/** Whether an edge begins at an item. */
function touches(item, edge) {
  return edge.from.index >= firstOf(item) && edge.from.index <= lastOf(item);
}
