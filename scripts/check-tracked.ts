/** Reports lines that only make sense on one machine: absolute paths of a checkout or a home, hosts of a registry. */
import { spawnSync } from "node:child_process"

const pattern = String.raw`https?://(registry|deb)[.]|(^|[[:space:]"'(=\`])/(home|root|work|Users)/`

// Exits with 0 when a line matches and with 1 when none does; new files count before they are added.
const { status, stderr, stdout } = spawnSync("git", ["grep", "--untracked", "-nIE", pattern], { encoding: "utf8" })

if (status !== 1) {
  console.error(stdout || stderr)
  process.exitCode = 1
}
