// The steps of a path, indented by their depth; the texts come from events and are interpolated.
export default {
  props: { steps: Array },
  template: `
    <ul class="trail">
      <li v-for="(step, place) in steps" :key="place" :class="{ here: step.here }" :style="{ '--depth': step.depth }" :aria-current="step.here ? 'step' : null">
        <span v-if="step.more" class="muted">and {{ step.more.toLocaleString("en") }} more</span>
        <template v-else>
          <div class="line">
            <span class="tag">{{ step.kind }}</span>
            <a v-if="step.href" :href="step.href" class="mono"><pico-name :text="step.event"></pico-name></a>
            <pico-name v-else class="mono" :text="step.event"></pico-name>
            <span v-if="step.outcome" :class="['badge', step.tone]">{{ step.outcome }}</span>
            <span v-if="step.pico"><span class="muted small">in </span><a :href="step.pico.href"><pico-name :text="step.pico.text"></pico-name></a></span>
            <span v-if="step.at"><span v-if="step.made" class="muted small">made </span><pico-time :at="step.at"></pico-time></span>
          </div>
          <p v-if="step.told" class="muted small">{{ step.told }}</p>
          <p v-if="step.unsure" class="warn-text small">or another turn of the same pico and millisecond</p>
        </template>
      </li>
    </ul>`,
};
