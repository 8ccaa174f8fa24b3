import type { SftpSession } from './session.ts';

const SHA256_BYTES = 32;

/** The SHA-256 of a file as the server computes it (check-file); undefined where it cannot, or chose another algorithm. */
export async function digestByServer(session: SftpSession, path: string): Promise<Uint8Array | undefined> {
  if (!session.has('check-file') && !session.has('check-file-name')) return undefined;
  const range = { algorithms: ['sha256'], offset: 0, length: 0, blockSize: 0 };
  const reply = await session.extensions.checkFileName(path, range).catch(() => undefined);
  return reply?.algorithm === 'sha256' && reply.hashes.length === SHA256_BYTES ? reply.hashes : undefined;
}
