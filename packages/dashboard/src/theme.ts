/** Light or dark: what the reader chose, else what their system prefers. */
import { effect, signal } from "@preact/signals"

type Theme = "light" | "dark"

const key = "holdfast.theme"
const chosen = localStorage.getItem(key)

export const theme = signal<Theme>(
  chosen === "light" || chosen === "dark"
    ? chosen
    : matchMedia("(prefers-color-scheme: dark)").matches
      ? "dark"
      : "light"
)
effect(() => {
  document.documentElement.dataset["theme"] = theme.value
})

export const turn = (): void => {
  theme.value = theme.value === "dark" ? "light" : "dark"
  localStorage.setItem(key, theme.value)
}
