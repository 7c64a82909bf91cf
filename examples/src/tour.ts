import { styleText } from 'node:util';

// styleText looks at the stream: colour on a terminal only, and none under NO_COLOR.
type Style = Parameters<typeof styleText>[0];
const style = (format: Style, text: string): string => styleText(format, text, { stream: process.stdout });

let chapters = 0;

/** Begins a chapter of the tour. */
export function chapter(title: string, ...text: readonly string[]): void {
  chapters += 1;
  console.log(`\n${style(['bold', 'cyan'], `${chapters}. ${title}`)}`);
  for (const line of text) {
    console.log(line);
  }
}

/**
 * Shows the code of a step, exactly as it runs, then runs it.
 * @param name - what to call the result in the code shown.
 */
export async function run<T>(step: () => Promise<T>, name = 'result'): Promise<T> {
  console.log();
  for (const line of codeOf(step, name)) {
    console.log(style('green', `    ${line}`));
  }
  return step();
}

/** Shows what came of it. */
export function show(label: string, value: unknown = ''): void {
  console.log(`  ${style('dim', `${label}:`)} ${String(value)}`);
}

function codeOf(step: () => Promise<unknown>, name: string): readonly string[] {
  const source = step.toString();
  const body = source.slice(source.indexOf('{') + 1, source.lastIndexOf('}'));
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  const indent = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) =>
    line
      .slice(indent)
      .trimEnd()
      .replace(/^return /, `const ${name} = `),
  );
}
