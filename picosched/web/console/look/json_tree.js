// JSON, read only. What is folded is not built, so a large value costs little until somebody opens it.
const MOST = 200;
const Branch = {
  name: "json-branch",
  props: ["label", "value", "depth"],
  watch: { value(now) { this.size = now !== null && typeof now === "object" ? Object.keys(now).length : 0; } },
  data() {
    const size = this.value !== null && typeof this.value === "object" ? Object.keys(this.value).length : 0;
    return { size, open: this.depth < 1 || (this.depth < 3 && size <= 8), most: MOST };
  },
  computed: {
    folds() { return this.value !== null && typeof this.value === "object"; },
    entries() { return this.folds ? Object.entries(this.value) : []; },
    shape() {
      const brackets = Array.isArray(this.value) ? "[]" : "{}";
      return this.size ? `${brackets[0]} ${this.size} ${brackets[1]}` : brackets;
    },
    kind() { return this.value === null || typeof this.value === "boolean" ? "word" : typeof this.value; },
  },
  template: `
    <details v-if="folds && size" :open="open" @toggle="open = $event.target.open">
      <summary><span v-if="label !== null" class="key">{{ label }}: </span><span class="muted">{{ shape }}</span></summary>
      <div v-if="open">
        <json-branch v-for="[key, item] in entries.slice(0, most)" :key="key" :label="key" :value="item" :depth="depth + 1" />
        <button v-if="size > most" type="button" class="button small" @click="most += 1000">{{ size - most }} more</button>
      </div>
    </details>
    <div v-else :class="{ leaf: depth > 0 }"><span v-if="label !== null" class="key">{{ label }}: </span>
      <span v-if="folds" class="muted">{{ shape }}</span>
      <span v-else :class="kind">{{ JSON.stringify(value) }}</span></div>`,
};
Branch.components = { "json-branch": Branch };
export default {
  components: { "json-branch": Branch },
  props: { value: null },
  template: `<div class="json"><json-branch :label="null" :value="value" :depth="0" /></div>`,
};
