import type { Spark as Data } from "@holdfast/gateway/admin/Model"

const height = 34
const step = 6

/** Five minutes of calls: what succeeded below, what failed on top of it and hatched. */
export const Spark = (props: { readonly data: Data }) => {
  const { failed, ok } = props.data
  const most = Math.max(4, ...ok.map((count, index) => count + (failed[index] ?? 0)))
  const bar = (index: number, from: number, count: number): string => {
    const y = height - (from / most) * height
    return `M${index * step} ${y}v${-(count / most) * height}h${step - 1.5}v${(count / most) * height}z`
  }
  const total = ok.reduce((sum, one) => sum + one, 0)
  const bad = failed.reduce((sum, one) => sum + one, 0)
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${ok.length * step} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Last 5 minutes: ${total} calls succeeded, ${bad} failed`}
    >
      <path class="ok" d={ok.map((count, index) => (count === 0 ? "" : bar(index, 0, count))).join("")} />
      <path
        class="failed"
        d={failed.map((count, index) => (count === 0 ? "" : bar(index, ok[index] ?? 0, count))).join("")}
      />
    </svg>
  )
}
