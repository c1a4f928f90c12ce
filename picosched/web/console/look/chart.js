// Stacked bars, or lines on a logarithmic axis of milliseconds, as SVG. Values are told on hover and in the table for
// screen readers.
const UNITS = [[3600000, "h"], [60000, "min"], [1000, "s"], [1, "ms"]];
function duration(value) {
  const [size, unit] = UNITS.find(([size]) => value >= size) ?? [1, "ms"];
  return Number((value / size).toPrecision(2)) + " " + unit;
}
export default {
  props: { name: String, kind: String, labels: Array, series: Array, version: Number },
  data() { return { at: null, places: this.labels, drawn: this.series, done: this.version }; },
  watch: { version() { this.places = this.labels; this.drawn = this.series; this.done = this.version; } },
  computed: {
    lines() { return this.kind === "lines"; },
    top() {
      if (this.lines) return Math.max(1, Math.ceil(Math.log10(Math.max(1, ...this.drawn.flatMap((each) => each.values.filter((value) => value))))));
      const most = Math.max(1, ...this.places.map((_, place) => this.drawn.reduce((sum, each) => sum + (each.values[place] ?? 0), 0)));
      const step = 10 ** Math.floor(Math.log10(most));
      return Math.ceil(most / step) * step;
    },
    marks() {  // the axis of values
      if (!this.lines) return [...new Set([0, Math.round(this.top / 2), this.top])].map((value) => ({ value, text: value.toLocaleString("en") }));
      const step = Math.ceil((this.top + 1) / 4);
      return Array.from({ length: this.top + 1 }, (_, power) => power).filter((power) => power % step === 0).map((value) => ({ value, text: duration(10 ** value) }));
    },
    ticks() {
      const step = Math.ceil(this.places.length / 6);
      return this.places.map((text, place) => ({ text, place })).filter(({ place }) => place % step === 0);
    },
    bars() {
      const width = 100 / this.places.length;
      return this.places.flatMap((_, place) => {
        let below = 0;
        return this.drawn.filter((each) => each.values[place]).map((each) => {
          const height = 100 * each.values[place] / this.top;
          below += height;
          return { x: place * width + width * .1, y: 100 - below, width: width * .8, height, colour: each.colour, faint: each.faint };
        });
      });
    },
    paths() {
      return this.drawn.map((each) => ({
        ...each,
        d: each.values.map((value, place) => value === null ? "" : (each.values[place - 1] == null ? "M" : "L") + this.x(place) + " " + this.y(value)).join(""),
        dots: each.values.flatMap((value, place) => value === null ? [] : [{ left: this.x(place), top: this.y(value) }]),
      }));
    },
    told() {
      if (this.at === null || !this.places[this.at]) return "";
      const values = this.drawn.filter((each) => each.values[this.at] != null).map((each) => `${each.name} ${this.text(each.values[this.at])}`);
      return [this.places[this.at], ...values].join(" · ");
    },
  },
  methods: {
    change(version, labels, series) {  // one that is in already is left out
      if (version !== this.done + 1) return;
      this.done = version;
      this.places = labels ?? this.places;
      this.drawn = series;
    },
    x(place) { return (place + .5) * 100 / this.places.length; },
    y(value) { return 100 - 100 * (this.lines ? Math.log10(value) : value) / this.top; },
    text(value) { return this.lines ? duration(value) : value.toLocaleString("en"); },
    move(event) {
      const box = this.$refs.field.getBoundingClientRect();
      this.at = Math.max(0, Math.min(this.places.length - 1, Math.floor((event.clientX - box.left) / box.width * this.places.length)));
    },
  },
  template: `
    <figure class="chart" :aria-label="name" role="img">
      <div class="chart-names" aria-hidden="true"><span v-for="each in drawn" :key="each.name"><i :style="{ background: each.colour, opacity: each.faint ? .55 : 1 }"></i>{{ each.name }}</span><span class="chart-told">{{ told }}</span></div>
      <div class="chart-body" aria-hidden="true">
        <div class="chart-marks"><span v-for="mark in marks" :key="mark.value" :style="{ bottom: 100 * mark.value / top + '%' }">{{ mark.text }}</span></div>
        <div class="chart-field" ref="field" @mousemove="move" @mouseleave="at = null">
          <svg viewBox="0 0 100 100" preserveAspectRatio="none">
            <line v-for="mark in marks" :key="mark.value" x1="0" x2="100" :y1="100 - 100 * mark.value / top" :y2="100 - 100 * mark.value / top" class="grid-line"></line>
            <rect v-if="at !== null" :x="at * 100 / places.length" y="0" :width="100 / places.length" height="100" class="pointed"></rect>
            <template v-if="lines"><path v-for="each in paths" :key="each.name" :d="each.d" :stroke="each.colour" :class="{ faint: each.faint }"></path></template>
            <rect v-else v-for="(bar, place) in bars" :key="place" :x="bar.x" :y="bar.y" :width="bar.width" :height="bar.height" :fill="bar.colour" :opacity="bar.faint ? .55 : 1"></rect>
          </svg>
          <template v-if="lines" v-for="each in paths" :key="each.name"><i v-for="dot in each.dots" :key="dot.left" class="chart-dot" :style="{ left: dot.left + '%', top: dot.top + '%', background: each.colour }"></i></template>
        </div>
      </div>
      <div class="chart-ticks" aria-hidden="true"><span v-for="tick in ticks" :key="tick.place" :style="{ left: x(tick.place) + '%' }">{{ tick.text }}</span></div>
    </figure>`,
};
