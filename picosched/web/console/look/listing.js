// A table whose rows change as a whole: cells are text, or {text, href, title, tone}, or {bars, title}; times are
// ISO 8601. A row with `href` leads there from wherever it is clicked; one of its cells is the link for the keys.
// Where the table would be wider than its place, each row is a card.
export default {
  props: { columns: Array, rows: Array, version: Number, caption: String, picks: Boolean, picked: Array },
  emits: ["act", "pick"],
  data() { return { shown: this.rows, at: this.version }; },
  mounted() {
    this.watcher = new ResizeObserver(() => { if (this.$el.clientWidth !== this.width) this.fit(); });
    this.watcher.observe(this.$el);
  },
  updated() { if (!this.$refs.table.classList.contains("narrow")) this.fit(); },
  unmounted() { this.watcher.disconnect(); },
  watch: { version() { this.shown = this.rows; this.at = this.version; } },
  computed: {
    all() { return this.shown.length > 0 && this.shown.every((row) => this.picked.includes(row.key)); },
  },
  methods: {
    fit() {  // what is a card stays one until the width changes, so that no list flickers
      const classes = this.$refs.table.classList;
      classes.remove("narrow");
      this.width = this.$el.clientWidth;
      classes.toggle("narrow", this.$refs.table.offsetWidth > this.width);
    },
    pieces: picosched.pieces,
    told(cell, column) {
      return column.kind === "number" && typeof cell.text === "number" ? cell.text.toLocaleString("en") : cell.text;
    },
    change(version, order) {  // rows, or the places of rows that stay as they are; a change that is in already is left out
      if (version !== this.at + 1) return;
      this.at = version;
      this.shown = order.map((each) => typeof each === "number" ? this.shown[each] : each);
    },
    pick(keys, on) {
      const others = this.picked.filter((key) => !keys.includes(key));
      this.$emit("pick", on ? [...others, ...keys] : others);
    },
    go(row, event) {
      if (!row.href || event.target.closest("a, button, input") || getSelection().toString()) return;
      if (event.ctrlKey || event.metaKey) open(row.href); else location.href = row.href;
    },
    most(bars) { return Math.max(1, ...bars); },
    of(cell) {
      return cell !== null && typeof cell === "object" ? cell : { text: cell };
    },
    empty(cell) {
      return cell === null || cell === undefined || cell === "" || (Array.isArray(cell) && !cell.length);
    },
  },
  template: `
    <div class="listing">
      <table ref="table">
        <caption v-if="caption" class="only-read">{{ caption }}</caption>
        <thead><tr>
          <th v-if="picks" scope="col" class="pick"><input type="checkbox" aria-label="All on this page"
            :checked="all" @change="pick(shown.map((row) => row.key), $event.target.checked)"></th>
          <th v-for="column in columns" :key="column.name" scope="col" :class="column.kind">
            <span :class="{ 'only-read': column.kind === 'actions' }">{{ column.label }}</span>
          </th>
        </tr></thead>
        <tbody>
          <tr v-for="(row, index) in shown" :key="row.key ?? index"
              :class="[row.tone, { goes: row.href }]" @click="go(row, $event)">
            <td v-if="picks" class="pick" data-label="Choose"><input type="checkbox" :aria-label="row.spoken ?? row.key"
              :checked="picked.includes(row.key)" @change="pick([row.key], $event.target.checked)"></td>
            <td v-for="column in columns" :key="column.name" :data-label="column.label"
                :class="[column.kind, { 'empty-cell': empty(row[column.name]) }]">
              <template v-if="empty(row[column.name])"><span class="muted">–</span></template>
              <pico-time v-else-if="column.kind === 'time'" :at="row[column.name]"></pico-time>
              <div v-else-if="column.kind === 'actions'" class="row-actions">
                <button v-for="action in row[column.name]" :key="action.name" type="button"
                        :class="['button', 'small', action.tone]" :title="action.off ?? action.title" :disabled="!!action.off"
                        @click="$emit('act', { action: action.name, key: row.key })">{{ action.text }}</button>
              </div>
              <template v-else v-for="cell in [of(row[column.name])]">
                <span v-if="cell.place" class="tree-place" aria-hidden="true">{{ cell.place }}</span>
                <svg v-if="cell.bars" class="bars" role="img" :aria-label="cell.title" :viewBox="'0 0 ' + cell.bars.length * 4 + ' 20'">
                  <title>{{ cell.title }}</title>
                  <rect v-for="(bar, place) in cell.bars" :key="place" :x="place * 4" width="3"
                        :y="bar ? 18 - 18 * bar / most(cell.bars) : 19" :height="bar ? 2 + 18 * bar / most(cell.bars) : 1"
                        :class="{ none: !bar }"></rect>
                </svg>
                <svg v-if="cell.heat" class="heat" role="img" :aria-label="cell.heat.of" :viewBox="'0 0 ' + cell.heat.columns * 4 + ' ' + cell.heat.rows * 4">
                  <title>{{ cell.heat.of }}</title>
                  <rect v-for="(run, place) in cell.heat.runs" :key="place" :class="'l' + run[3]" :x="run[0] * 4" :y="run[1] * 4" :width="run[2] * 4 - .8" height="3.2"></rect>
                </svg>
                <a v-if="cell.href" :href="cell.href" :title="cell.title"><template v-for="(piece, place) in pieces(told(cell, column))"><wbr v-if="place">{{ piece }}</template></a>
                <span v-else-if="cell.tone" :class="['badge', cell.tone]" :title="cell.title">{{ cell.text }}</span>
                <pico-told v-else-if="column.kind === 'prose'" :title="cell.title" :text="told(cell, column)"></pico-told>
                <span v-else-if="!cell.bars" :title="cell.title"><template v-for="(piece, place) in pieces(told(cell, column))"><wbr v-if="place">{{ piece }}</template></span>
                <span v-if="cell.more" class="more">{{ cell.more }}</span>
              </template>
            </td>
          </tr>
        </tbody>
      </table>
    </div>`,
};
