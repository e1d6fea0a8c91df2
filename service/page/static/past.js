// The cycles of one loop as columns: what the trends, the list of what the gate changed and the
// service factor are made from. Starts with what the server remembers, then grows by the stream.
const MOST = 1500;
const PLAIN = ["id", "t", "utc", "mode", "requested", "action", "solve_ms", "late"];

export class Past {
  constructor(columns) {
    Object.assign(this, columns);
    this.latest = null;
  }

  get length() { return this.id.length; }

  add(frame) {
    this.latest = frame;
    if (this.id.at(-1) === frame.id) this.cut(this.length - 1, this.length);
    if (this.t.at(-1) > frame.t) this.cut(0, this.length); // the engine started anew
    for (const name of PLAIN) this[name].push(frame[name]);
    const acted = frame.reasons.filter((r) => r.action !== "ALLOW");
    this.reasons.push(acted);
    this.moves.push(acted.length ? Object.fromEntries(frame.mvs.map((mv) => [mv.tag, [mv.requested, mv.allowed]])) : {});
    for (const kind of ["cvs", "mvs", "dvs"]) for (const row of frame[kind]) this.column(row);
    if (this.length > MOST + 100) this.cut(0, 100);
  }

  column(row) {
    const before = this.length - 1;
    const blank = () => new Array(before).fill(null);
    const column = this.signals[row.tag] ??= { value: blank(), target: blank(), low: blank(), high: blank() };
    const value = "applied" in row ? row.applied : row.quality === 0 ? null : row.value ?? row.estimate ?? null;
    column.value.push(value);
    column.target.push(row.target ?? row.requested ?? null);
    column.low.push(row.low ?? null);
    column.high.push(row.high ?? null);
  }

  cut(from, to) {
    for (const name of [...PLAIN, "reasons", "moves"]) this[name].splice(from, to - from);
    for (const column of Object.values(this.signals)) for (const name of Object.keys(column)) column[name].splice(from, to - from);
  }

  // Index of the first cycle in the last `seconds` of engine time.
  since(seconds) {
    const from = this.t.at(-1) - seconds;
    let i = this.length;
    while (i > 0 && this.t[i - 1] >= from) i -= 1;
    return i;
  }

  // Share of cycles in closed loop, and over how long [s].
  serviceFactor(seconds = 8 * 3600) {
    const from = this.since(seconds);
    const modes = this.mode.slice(from);
    if (!modes.length) return { share: null, seconds: 0 };
    return { share: modes.filter((m) => m === "AUTO").length / modes.length, seconds: this.t.at(-1) - this.t[from] };
  }

  // What the gate changed in the last `seconds`: by rule and signal, newest first.
  changes(seconds) {
    const found = new Map();
    for (let i = this.since(seconds); i < this.length; i += 1) {
      for (const r of this.reasons[i]) {
        const key = `${r.rule} ${r.action} ${r.tag}`;
        const one = found.get(key) ?? { ...r, count: 0 };
        found.set(key, { ...one, count: one.count + 1, utc: this.utc[i], id: this.id[i], text: r.text, move: this.moves[i][r.tag] });
      }
    }
    return [...found.values()].sort((a, b) => b.id - a.id);
  }
}
