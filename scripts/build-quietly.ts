// Builds what the filters on the command line name; prints something only when it takes long or fails.
import { quietTurbo } from './turbo.ts';

const filters = process.argv.slice(2).map((filter) => `--filter=${filter}`);
const notice = setTimeout(() => console.error('Building (only after a change) ...'), 1000);
const build = await quietTurbo('run', 'build', '--output-logs=errors-only', ...filters);
clearTimeout(notice);
if (!build.ok) {
  console.error(build.output);
  process.exitCode = 1;
}
