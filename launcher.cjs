'use strict';
// Hands the step over to the program of this machine. action.yml names this file as main and as
// post.
//
// It never touches process.stdout or process.stderr: Node makes such pipes non-blocking, and the
// program inherits that. Modules that only a build needs are loaded by it: a release starts sooner.
const fs = require('node:fs');
const { dirname, join } = require('node:path');
const { env } = process;

const RELEASE = 'Use a released tag of the action (…/stevedore@v1), which carries the program';
const ONLY_OWNER = 0o700;
const OTHERS_MAY_WRITE = 0o022;

// The files that the program is built from, beside src/.
const SOURCES = ['Cargo.toml', 'Cargo.lock', 'action.yml', 'rust-toolchain.toml'];

// What cargo gets of the job's environment: where it and its tools are, how to reach a registry,
// how to print. Not the inputs, no token, and nothing that says what to build with: the program is
// kept for other jobs.
const FOR_CARGO = new RegExp(
  '^(' +
    [
      'PATH|HOME|USER|LOGNAME|TMPDIR|LANG|LC_.*|TERM|RUNNER_TRACKING_ID',
      'CARGO_HOME|RUSTUP_HOME|RUSTUP_DIST_SERVER|RUSTUP_UPDATE_ROOT',
      'CARGO_(HTTP|NET|REGISTRIES|TERM)_.*',
      '(HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_FILE|SSL_CERT_DIR',
    ].join('|') +
    ')$',
  'i',
);

const fail = (message) => {
  const escaped = message.replace(/[%\r\n]/g, encodeURIComponent);
  fs.writeSync(1, `::error title=Stevedore could not start::${escaped}\n`);
  process.exit(1);
};

// Runs a program on our standard streams, passes signals on to it (from its first moment), and
// ends by the signal that ended it.
const run = (file, args, options, done) => {
  const { spawn } = require('node:child_process');
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(name, (signal) => child.kill(signal));
  }
  const child = spawn(file, args, { stdio: 'inherit', ...options });
  child.on('error', done);
  child.on('exit', (code, signal) => {
    if (signal) process.removeAllListeners(signal).kill(process.pid, signal);
    else done(null, code);
  });
};

const notStarted = (error) => fail(`${error.message}: the program cannot be started. ${RELEASE}.`);

// A failing execve aborts Node with a stack dump, so what can be checked is checked before.
const become = (file, args) => {
  try {
    fs.accessSync(file, fs.constants.X_OK);
  } catch (error) {
    notStarted(error);
  }
  if (process.execve) process.execve(file, [file, ...args], env);
  run(file, args, {}, (error, code) => (error ? notStarted(error) : process.exit(code)));
};

const sha256 = (...parts) => {
  const hash = require('node:crypto').createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

// What the program is built from, as a name: another source is another program.
const sourceKey = () => {
  const src = join(__dirname, 'src');
  const inSrc = fs.existsSync(src) ? fs.readdirSync(src, { recursive: true }).sort() : [];
  const names = [...SOURCES, ...inSrc.map((name) => join('src', name))];
  const isFile = (name) => fs.statSync(join(__dirname, name), { throwIfNoEntry: false })?.isFile();
  const content = (name) => [`\0${name}\0`, fs.readFileSync(join(__dirname, name))];
  return sha256(process.arch, ...names.filter(isFile).flatMap(content)).slice(0, 20);
};

// Who but this user could have put what is there; nothing when nobody could.
const stranger = (path) => {
  const found = fs.lstatSync(path);
  if (found.isSymbolicLink()) return 'is a link';
  if (found.uid !== process.getuid()) return `belongs to user ${found.uid}`;
  return found.mode & OTHERS_MAY_WRITE ? 'can be written to by other users' : undefined;
};

// Makes a folder of this user's own. Whoever may write beside it could have made another one.
const ownFolder = (path) => {
  fs.mkdirSync(dirname(path), { recursive: true });
  try {
    fs.mkdirSync(path, { mode: ONLY_OWNER });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const why = stranger(path);
  if (why) fail(`${path} ${why}, so no program is kept there. Remove it. ${RELEASE}.`);
  return path;
};

// A program that was built is kept in the tool cache, which other jobs write to as well, some of
// them in containers. That it is ours says a file in the user's home, named after its digest.
const store = () => {
  const key = sourceKey();
  const cache = env.RUNNER_TOOL_CACHE || join(__dirname, 'target', 'tool-cache');
  const ours = ownFolder(join(cache, `stevedore-${process.getuid()}`));
  const program = join(ownFolder(join(ours, key)), 'stevedore');
  const notes = ownFolder(join(require('node:os').homedir(), '.cache', 'stevedore'));
  const note = (file) => join(notes, `${key}-${sha256(fs.readFileSync(file))}`);
  const isOurs = (file) => fs.existsSync(file) && !stranger(file);
  return { program, note, isKnown: () => isOurs(program) && isOurs(note(program)) };
};

// What rustup is to take; the action's own file says it to whoever runs cargo in its folder.
const toolchain = () => {
  const file = join(__dirname, 'rust-toolchain.toml');
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const channel = /^channel = "(.+)"$/m.exec(text);
  return channel ? { RUSTUP_TOOLCHAIN: channel[1] } : {};
};

// Each job builds in a folder of its own and renames the result into place: two at once never see
// half a program. Cargo reads configuration from where it runs and from every folder above: in
// the root that is nobody's but root's.
const build = ({ program, note }, done) => {
  const where = `building once with this machine's cargo, into ${program}`;
  fs.writeSync(1, `Stevedore: no binary in dist/ for this ref; ${where}\n`);
  const target = fs.mkdtempSync(join(env.RUNNER_TEMP || '/tmp', 'stevedore-build-'));
  const manifest = join(__dirname, 'Cargo.toml');
  const args = ['build', '--release', '--locked', '--bin', 'stevedore'];
  args.push('--manifest-path', manifest, '--target-dir', target);
  const kept = Object.entries(env).filter(([name]) => FOR_CARGO.test(name));
  const options = { cwd: '/', env: { ...Object.fromEntries(kept), ...toolchain() } };
  run('cargo', args, options, (error, code) => {
    if (error) {
      const what = 'This ref of the action has no binary in dist/, and cargo, to build one,';
      const why = `cannot be started (${error.code})`;
      fail(`${what} ${why}. ${RELEASE}, or install Rust in an earlier step.`);
    }
    if (code) {
      fail(`Building Stevedore failed: see the output of cargo (exit code ${code}). ${RELEASE}.`);
    }
    const part = `${program}.${process.pid}.${Date.now()}`;
    fs.copyFileSync(join(target, 'release', 'stevedore'), part);
    fs.chmodSync(part, ONLY_OWNER);
    fs.writeFileSync(note(part), '', { mode: 0o600 });
    fs.renameSync(part, program);
    fs.rm(target, { recursive: true, force: true }, done);
  });
};

// `part` names a part of the action (metadata, …); the action itself gives none.
module.exports = (part, hasPost = !part) => {
  const isPost = hasPost && env.STATE_stevedore_post === 'true';
  const args = isPost ? ['post'] : part ? [part] : [];
  if (hasPost && !isPost && env.GITHUB_STATE) {
    fs.appendFileSync(env.GITHUB_STATE, 'stevedore_post=true\n');
  }
  const { platform, arch } = process;
  const machine = platform === 'linux' && { x64: 'amd64', arm64: 'arm64' }[arch];
  if (!machine) {
    if (isPost) return;
    const advice = 'Give the job runs-on: ubuntu-latest or ubuntu-24.04-arm';
    const message = `Stevedore runs on Linux, amd64 or arm64; this runner is ${platform} ${arch}`;
    return fail(`${message}. ${advice}.`);
  }
  const released = join(__dirname, 'dist', `stevedore-linux-${machine}`);
  if (fs.existsSync(released)) return become(released, args);
  let built;
  try {
    built = store();
  } catch (error) {
    fail(`${error.message}: no place to keep the program in. ${RELEASE}.`);
  }
  if (built.isKnown()) return become(built.program, args);
  if (!isPost) build(built, () => become(built.program, args));
};
if (require.main === module) module.exports();
