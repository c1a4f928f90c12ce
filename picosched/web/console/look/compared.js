// Two rehearsals beside each other, an event a row: {how, at, before, after}, each side {event, lines} or null.
const SIGNS = { same: ["=", "the same"], changed: ["~", "changed"], gone: ["−", "gone"], new: ["+", "new"] };
export default {
  props: { rows: Array },
  methods: { sign(how) { return SIGNS[how]; } },
  template: `
    <div class="compared" role="table" aria-label="What would change">
      <div class="row" role="row">
        <div class="head-cell" role="columnheader"><span class="only-read">How</span></div>
        <div class="head-cell" role="columnheader">When</div>
        <div class="head-cell" role="columnheader">As installed</div>
        <div class="head-cell" role="columnheader">As edited</div>
      </div>
      <div v-for="(row, index) in rows" :key="index" :class="['row', row.how]" role="row">
        <div :class="['sign', row.how]" role="cell" :title="sign(row.how)[1]"><span aria-hidden="true">{{ sign(row.how)[0] }}</span><span class="only-read">{{ sign(row.how)[1] }}</span></div>
        <div role="cell"><pico-time :at="row.at"></pico-time></div>
        <div v-for="[side, label] in [['before', 'As installed'], ['after', 'As edited']]" :key="side" class="side" role="cell" :data-label="label">
          <template v-if="row[side]">
            <div class="event">{{ row[side].event }}</div>
            <div v-for="line in row[side].lines" :key="line" class="more">{{ line }}</div>
          </template>
          <span v-else class="muted">–</span>
        </div>
      </div>
    </div>`,
};
