/** Run as a process of its own, because jest resolves packages in its own way: openProvider(url, { from }). */
import { openProvider, type ValidationError } from '../src/index.ts';

const [, , url = '', from = ''] = process.argv;
try {
  const provider = await openProvider(url, { from });
  process.stdout.write(JSON.stringify({ provider }));
} catch (error) {
  const { code, message, remedy, cause } = error as ValidationError;
  const why = cause as { code?: string; message?: string };
  process.stdout.write(
    JSON.stringify({ code, message, remedy, cause: { code: why?.code, message: why?.message } }),
  );
}
