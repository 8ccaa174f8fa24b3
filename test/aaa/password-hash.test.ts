import { describe, expect, it } from 'vitest';
import { decodeType7, parseCiscoUser } from '../../src/aaa/cisco-password.ts';
import { PasswordChecker, WAITING_PER_SOURCE } from '../../src/aaa/password-checker.ts';
import { formatPasswordHash, hashPassword, type PasswordHash, parsePasswordHash } from '../../src/aaa/password-hash.ts';

/** So cheap that many fit into a test. */
const CHEAP = { name: 'scrypt', ln: 10, r: 1, p: 1 } as const;

async function matches(password: string, hash: PasswordHash): Promise<boolean> {
  return (await (await PasswordChecker.create([hash])).check(password, hash)) === true;
}

describe('a password hash', () => {
  it('is written as a PHC string and read back', async () => {
    const hash = await hashPassword('päss wörd');
    const text = formatPasswordHash(hash);
    expect(text).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(parsePasswordHash(text)).toEqual(hash);
    expect(formatPasswordHash(await hashPassword('päss wörd'))).not.toBe(text);
  });

  it('of another maker is understood', async () => {
    // RFC 7914 section 12: scrypt ("pleaseletmein", "SodiumChloride", N=16384, r=8, p=1, dkLen=64).
    const expected =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
    const encode = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
    const text = `$scrypt$ln=14,r=8,p=1$${encode(Buffer.from('SodiumChloride'))}$${encode(Buffer.from(expected, 'hex'))}`;
    expect(await matches('pleaseletmein', parsePasswordHash(text))).toBe(true);
    expect(await matches('pleaseletmeout', parsePasswordHash(text))).toBe(false);
  });

  it.each([
    // From the examples of Cisco's command reference, and of hashcat for its modes 9200 and 9300.
    ['type 8', 'cisco', '$8$dsYGNam3K1SIJO$7nv/35M/qr6t.dVc7UY9zrJDWRVqncHub1PE9UlMQFs'],
    ['type 8', 'hashcat', '$8$TnGX/fE4KGHOVU$pEhnEvxrvaynpi8j4f.EMHr6M.FzU8xnZnBr/tJdFWk'],
    ['type 9', 'cisco', '$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM'],
    ['type 9', 'hashcat', '$9$2MJBozw/9R3UsU$2lFhcKvpghcyw8deP25GOfyZaagyUOGBymkryvOdfo6'],
  ])('of %s of IOS is understood', async (_, password, text) => {
    expect(await matches(password, parsePasswordHash(text))).toBe(true);
    expect(await matches(`${password}x`, parsePasswordHash(text))).toBe(false);
  });

  it.each([
    '',
    'secret',
    '$6$salt$hash',
    '$5$mERr$hx5rVt7rPNoS4wqbXKX7m0',
    '$9$short$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM',
    '$scrypt$ln=15,r=8,p=1$short$short',
    '$scrypt$ln=25,r=8,p=1$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=1,r=8,p=1$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=15,r=8,p=99$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$scrypt$ln=15,r=99,p=1$c29kaXVtY2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ])('%j is refused, without being repeated', (text) => {
    const read = (): unknown => parsePasswordHash(text);
    expect(read).toThrow(RangeError);
    if (text !== '') expect(read).not.toThrow(text);
  });
});

describe('checks of passwords', () => {
  it('are few at a time, and every one gets its answer', async () => {
    const hash = await hashPassword('right', CHEAP);
    const checker = await PasswordChecker.create([hash]);
    const answers = await Promise.all(['right', 'wrong', 'right', 'wrong'].map((one) => checker.check(one, hash)));
    expect(answers).toEqual([true, false, true, false]);
    expect(await checker.check('x'.repeat(1025), hash)).toBe(false);
    expect(await checker.check('right', undefined)).toBe(false);
    expect(await checker.check('no password matches this', undefined)).toBe(false);
  });

  it('are refused rather than waited for where too many wait', async () => {
    const hash = await hashPassword('right', CHEAP);
    const checker = await PasswordChecker.create([hash]);
    const all = await Promise.all(Array.from({ length: 1000 }, () => checker.check('right', hash)));
    expect(all.filter((answer) => answer === true)).toHaveLength(202);
    expect(all.filter((answer) => answer === 'busy')).toHaveLength(798);
  });

  it('of those who have left are not computed', async () => {
    const hash = await hashPassword('right', CHEAP);
    const checker = await PasswordChecker.create([hash]);
    await expect(checker.check('right', hash, { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow(
      'gone',
    );
    expect(await checker.check('right', hash)).toBe(true);
  });

  it('that wait are bounded for each source too, and leave room for others', async () => {
    const hash = await hashPassword('right', CHEAP);
    const checker = await PasswordChecker.create([hash]);
    const greedy = Array.from({ length: 300 }, () => checker.check('right', hash, { source: '192.0.2.1' }));
    const other = checker.check('right', hash, { source: '192.0.2.2' });
    const answers = await Promise.all(greedy);
    expect(answers.filter((answer) => answer === true)).toHaveLength(WAITING_PER_SOURCE);
    expect(answers.filter((answer) => answer === 'busy')).toHaveLength(300 - WAITING_PER_SOURCE);
    expect(await other).toBe(true);
    expect(await checker.check('right', hash, { source: '192.0.2.1' })).toBe(true);
  });

  it('are not computed where the answer does not count any more when their turn has come', async () => {
    const hash = await hashPassword('right', CHEAP);
    const checker = await PasswordChecker.create([hash]);
    let failures = 0;
    const isBarred = (): boolean => failures >= 5;
    const guess = async (): Promise<boolean | 'busy'> => {
      const answer = await checker.check('wrong', hash, { isBarred });
      if (answer === false) failures++;
      return answer;
    };
    const answers = await Promise.all(Array.from({ length: 100 }, guess));
    // Two were being computed when the last of the five failed.
    expect(answers.filter((answer) => answer === false).length).toBeLessThanOrEqual(7);
    expect(answers.filter((answer) => answer === 'busy').length).toBeGreaterThanOrEqual(93);
  });

  it('compute one hash of each kind, so that a cheap hash is no cheaper to check', async () => {
    const cheap = await hashPassword('a', CHEAP);
    const dear = await hashPassword('b', { name: 'scrypt', ln: 11, r: 1, p: 1 });
    const checker = await PasswordChecker.create([cheap, dear, cheap]);
    expect(await checker.check('a', cheap)).toBe(true);
    expect(await checker.check('b', dear)).toBe(true);
    expect(await checker.check('a', dear)).toBe(false);
    expect(await checker.check('b', cheap)).toBe(false);
    const many = Array.from({ length: 5 }, (_, at) => ({ ...cheap, scheme: { ...CHEAP, r: at + 1 } }));
    await expect(PasswordChecker.create(many)).rejects.toThrow('of 5 kinds, more than 4');
  });
});

describe('passwords of IOS', () => {
  it.each([
    // From the documentation of passlib and of Cisco::Hash.
    ['044B0A151C36435C0D', 'password'],
    ['1511021F0725', 'cisco'],
    ['121A0C041104', 'cisco'],
    ['00071A150754', 'cisco'],
  ])('type 7 %s is %s', (hidden, clear) => {
    expect(decodeType7(hidden)).toBe(clear);
  });

  it.each(['', '7', '99AA', '0', '04', '044', '04GG'])('type 7 %j is refused', (text) => {
    expect(() => decodeType7(text)).toThrow('not a password of type 7');
  });

  it.each([
    ['username user1 privilege 15 password 0 lab', { name: 'user1', privilege: 15, password: 'lab', type: 0 }],
    ['username u password lab', { name: 'u', privilege: undefined, password: 'lab', type: 0 }],
    [' username u password 7 1511021F0725\r', { name: 'u', privilege: undefined, password: 'cisco', type: 7 }],
    [
      'username u privilege 1 secret 9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM',
      { passwordHash: '$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM', type: 9, privilege: 1 },
    ],
  ])('the line %j is a user', (line, user) => {
    expect(parseCiscoUser(line)).toMatchObject(user);
  });

  it('other lines are none, and what cannot be taken over is refused without its secret', () => {
    expect(parseCiscoUser('interface Vlan1')).toBeUndefined();
    expect(parseCiscoUser('username u nopassword')).toBeUndefined();
    expect(() => parseCiscoUser('username u secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0')).toThrow(
      /^user u: passwords of type 5 cannot be taken over; set a new one$/,
    );
    expect(() => parseCiscoUser('username u privilege 16 secret 0 x')).toThrow('privilege 16 is above 15');
    expect(() => parseCiscoUser('username u secret 9 $9$x')).toThrow('user u: not a hash of type 9');
  });
});
