import { generateKeyPairSync } from 'node:crypto';
import type { AuthContext, KeyboardAuthContext } from 'ssh2';
import { expect, it } from 'vitest';
import { connect } from '../../../src/ssh/connect.ts';
import type { ConnectOptions } from '../../../src/ssh/options.ts';
import { scriptedPrompter } from '../scripted-prompter.ts';
import { type ScriptedServer, scriptedServer } from '../scripted-server.ts';

const environment = { home: '/nonexistent', user: 'tester', path: '' };

async function login(server: ScriptedServer, options: Partial<ConnectOptions> = {}): Promise<'in' | Error> {
  const all = {
    transport: 'builtin' as const,
    environment,
    args: ['-F', 'none', ...(options.args ?? [])],
    hostKeys: [server.hostKey],
    ...(options.prompter && { prompter: options.prompter }),
    ...(options.credentials && { credentials: options.credentials }),
    ...(options.batchMode !== undefined && { batchMode: options.batchMode }),
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
  };
  return await connect({ host: '127.0.0.1', port: server.port }, all).then(
    async (connection) => {
      await connection.close();
      return 'in' as const;
    },
    (error: Error) => error,
  );
}

const passwordOnly = (right: string) => (context: AuthContext) => {
  if (context.method === 'password' && context.password === right) context.accept();
  else context.reject(['password']);
};

const questionsOnly = (ask: (context: KeyboardAuthContext) => void) => (context: AuthContext) => {
  if (context.method === 'keyboard-interactive') ask(context);
  else context.reject(['keyboard-interactive']);
};

it('asks for the password, three times at most', async () => {
  const server = await scriptedServer({ authenticate: passwordOnly('right') });
  const second = scriptedPrompter('wrong', 'right');
  expect(await login(server, { prompter: second })).toBe('in');
  expect(second.questions).toEqual(Array(2).fill("tester@127.0.0.1's password: "));
  const never = scriptedPrompter('1', '2', '3', 'right');
  expect(await login(server, { prompter: never })).toMatchObject({
    code: 'ERR_AUTHENTICATION',
    message: expect.stringContaining('(the server offers: password)'),
  });
  expect(never.questions).toHaveLength(3);
});

it('asks nothing under BatchMode', async () => {
  const server = await scriptedServer({ authenticate: passwordOnly('right') });
  for (const options of [{ batchMode: true }, { args: ['-oBatchMode=yes'] }, { args: ['-B'] }]) {
    const prompter = scriptedPrompter('right');
    expect(await login(server, { ...options, prompter })).toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(prompter.questions).toEqual([]);
  }
});

it('gives a handed-in password once, as password or as the answer to a hidden question', async () => {
  const password = await scriptedServer({ authenticate: passwordOnly('right') });
  expect(await login(password, { credentials: { password: 'right' } })).toBe('in');
  let tries = 0;
  const counting = await scriptedServer({
    authenticate: (context) => {
      if (context.method === 'password') tries++;
      context.reject(['password']);
    },
  });
  expect(await login(counting, { credentials: { password: 'wrong' } })).toMatchObject({ code: 'ERR_AUTHENTICATION' });
  expect(tries).toBe(1);
  const question = await scriptedServer({
    authenticate: questionsOnly((context) =>
      context.prompt([{ prompt: 'Password: ', echo: false }], ([answer]) =>
        answer === 'right' ? context.accept() : context.reject(),
      ),
    ),
  });
  expect(await login(question, { credentials: { password: 'right' } })).toBe('in');
});

it('does not give a handed-in password to a question that would show it', async () => {
  const answers: string[] = [];
  const server = await scriptedServer({
    authenticate: questionsOnly((context) =>
      context.prompt([{ prompt: 'Name: ', echo: true }], (given) => {
        answers.push(...given);
        context.reject(['keyboard-interactive']);
      }),
    ),
  });
  await login(server, { credentials: { password: 'secret' } });
  expect(answers).toEqual(['']);
});

it('labels the questions of a server and makes them printable', async () => {
  const server = await scriptedServer({
    authenticate: questionsOnly((context) =>
      context.prompt(
        [
          { prompt: '\u001b[2Jlocal password: ', echo: false },
          { prompt: 'code: ', echo: true },
        ],
        'Title\u0007',
        'line one\r\nline two',
        (answers) => (answers.join() === 'a,b' ? context.accept() : context.reject()),
      ),
    ),
  });
  const prompter = scriptedPrompter('a', 'b');
  expect(await login(server, { prompter })).toBe('in');
  expect(prompter.questions).toEqual(['(tester@127.0.0.1) \\033[2Jlocal password: ', '(tester@127.0.0.1) code: ']);
  expect(prompter.told.join('\n').split('\n')).toEqual([
    '(tester@127.0.0.1) Title\\007',
    '(tester@127.0.0.1) line one',
    '(tester@127.0.0.1) line two',
  ]);
});

it('gives up a server that never stops asking', async () => {
  const server = await scriptedServer({
    authenticate: questionsOnly((context) => {
      const again = (): void => context.prompt([{ prompt: 'more: ', echo: false }], again);
      again();
    }),
  });
  const prompter = scriptedPrompter(...Array.from({ length: 1000 }, () => 'x'));
  expect(await login(server, { prompter })).toMatchObject({ code: 'ERR_LIMIT' });
});

it('gives up a server that asks too much at once', async () => {
  const server = await scriptedServer({
    authenticate: questionsOnly((context) =>
      context.prompt(
        Array.from({ length: 500 }, () => ({ prompt: '?', echo: false })),
        () => {},
      ),
    ),
  });
  expect(await login(server, { prompter: scriptedPrompter('x') })).toMatchObject({ code: 'ERR_LIMIT' });
});

it('gives up when a question of the server is not answered', async () => {
  const server = await scriptedServer({
    authenticate: questionsOnly((context) => context.prompt([{ prompt: '?', echo: false }], () => context.reject())),
  });
  expect(await login(server, { prompter: scriptedPrompter() })).toMatchObject({ code: 'ERR_AUTHENTICATION' });
});

it('goes on with the password after a key was only the first of two factors', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  let keyAccepted = false;
  const server = await scriptedServer({
    authenticate: (context) => {
      if (context.method === 'publickey' && !keyAccepted) {
        if (!context.signature) return context.accept();
        keyAccepted = true;
        return context.reject(['password'], true);
      }
      if (keyAccepted && context.method === 'password' && context.password === 'right') return context.accept();
      return context.reject(keyAccepted ? ['password'] : ['publickey']);
    },
  });
  expect(await login(server, { credentials: { privateKeys: [{ key }], password: 'right' } })).toBe('in');
});

it('lets a person change an expired password', async () => {
  const server = await scriptedServer({
    authenticate: (context) => {
      if (context.method !== 'password') return context.reject(['password']);
      if (context.password !== 'old') return context.reject(['password']);
      context.requestChange('expired\u001b[31m', (changed) =>
        changed === 'new' ? context.accept() : context.reject(),
      );
    },
  });
  const prompter = scriptedPrompter('old', 'new', 'typo', 'new', 'new');
  expect(await login(server, { prompter })).toBe('in');
  expect(prompter.told).toContain('expired\\033[31m');
  expect(await login(server, { credentials: { password: 'old' } })).toMatchObject({
    code: 'ERR_AUTHENTICATION',
    message: expect.stringContaining('expired'),
  });
});

it('shows a banner printable and bounded', async () => {
  const server = await scriptedServer({ config: { banner: `welcome\u001b]0;x\u0007\n${'long '.repeat(5000)}` } });
  const prompter = scriptedPrompter();
  expect(await login(server, { prompter })).toBe('in');
  expect(prompter.told[0]).toContain('welcome\\033]0;x\\007\n');
  expect(prompter.told[0]!.length).toBeLessThan(6000);
});

it('tries methods only as PreferredAuthentications and the single switches allow', async () => {
  const methods: string[] = [];
  const server = await scriptedServer({
    authenticate: (context) => {
      methods.push(context.method);
      context.reject(['publickey', 'keyboard-interactive', 'password']);
    },
  });
  await login(server, {
    args: ['-oPreferredAuthentications=password,keyboard-interactive'],
    prompter: scriptedPrompter('x'),
  });
  expect(methods.slice(0, 3)).toEqual(['none', 'password', 'keyboard-interactive']);
  methods.length = 0;
  await login(server, {
    args: ['-oPasswordAuthentication=no', '-oKbdInteractiveAuthentication=no'],
    prompter: scriptedPrompter('x'),
  });
  expect(methods).toEqual(['none']);
});

it('makes the methods of a refusing server printable', async () => {
  const server = await scriptedServer({ authenticate: (context) => context.reject(['\u001b[2Jx' as 'password']) });
  const error = (await login(server)) as Error;
  expect(error.message).toContain('\\033[2Jx');
});

it('does not let the clock run while a person thinks', async () => {
  const server = await scriptedServer({ authenticate: passwordOnly('right') });
  const prompter = {
    ...scriptedPrompter(),
    ask: () => new Promise<string>((resolve) => setTimeout(() => resolve('right'), 1200)),
  };
  expect(await login(server, { prompter, connectTimeoutMs: 1000 })).toBe('in');
});
