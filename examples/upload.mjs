// @ts-check
// node examples/upload.mjs HOST REMOTE_DIRECTORY LOCAL...
import { CopyError, connect } from 'sealift';

const [name = '', directory = '', ...local] = process.argv.slice(2);
const host = await connect({ host: name });
try {
  const { files, bytes } = await host.upload(local, directory, { recursive: true, preserve: true, mkdir: true });
  console.log(`${files} files, ${bytes} bytes`);
} catch (error) {
  // The files that could be copied were copied.
  if (!(error instanceof CopyError)) throw error;
  for (const { code, message } of error.errors) console.error(`${code} ${message}`);
  console.log(`${error.result.files} files, ${error.result.failed} failed`);
  process.exitCode = 1;
} finally {
  await host.close();
}
