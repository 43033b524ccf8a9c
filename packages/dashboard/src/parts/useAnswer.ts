import { useEffect, useState } from "preact/hooks"

export interface Answer<A> {
  readonly value: A | undefined
  readonly problem: string | undefined
  readonly isLoading: boolean
}

/** Asks when what it depends on changes; an answer that was overtaken is dropped, an old one stays until the next. */
export const useAnswer = <A>(ask: () => Promise<A>, depends: ReadonlyArray<unknown>): Answer<A> => {
  const [answer, setAnswer] = useState<Answer<A>>({ value: undefined, problem: undefined, isLoading: true })
  useEffect(() => {
    let isCurrent = true
    setAnswer((before) => ({ ...before, isLoading: true }))
    ask().then(
      (value) => isCurrent && setAnswer({ value, problem: undefined, isLoading: false }),
      (error: unknown) =>
        isCurrent &&
        setAnswer((before) => ({
          ...before,
          problem: error instanceof Error ? error.message : String(error),
          isLoading: false
        }))
    )
    return () => {
      isCurrent = false
    }
  }, depends)
  return answer
}
