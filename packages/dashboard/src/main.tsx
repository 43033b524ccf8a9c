import { render } from "preact"
import "uplot/dist/uPlot.min.css"
import { App } from "./App.tsx"
import "./styles.css"

const page = document.querySelector("#page")
if (page !== null) render(<App />, page)
