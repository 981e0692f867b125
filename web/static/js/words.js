// What people read instead of the contract's names. Pure.

/** state → [title, what happens]. */
export const STATES = {
  IDLE: ['Idle', 'Everything is off. It waits for fire.'],
  PRIMING: ['Opening', 'The main valve opens and the pump fills.'],
  STARTING: ['Starting', 'The engine is being started.'],
  RUNNING: ['Running', 'The engine drives the pump.'],
  REDUCING_RPM: ['Slowing down', 'The engine runs slower before it stops.'],
  STOPPING: ['Stopping', 'The engine is stopped; the main valve drains, then shuts.'],
  REFILLING: ['Refilling', 'The tank is being refilled.'],
  COOLDOWN: ['Resting', 'A short rest after the run.'],
  LOW_PRESSURE: ['Low pressure', 'No pressure: the engine is being stopped.'],
  ERROR: ['Error', 'Everything is off until somebody resets it.'],
};

/** The way of a run, in order. */
export const WAY = ['IDLE', 'PRIMING', 'STARTING', 'RUNNING', 'REDUCING_RPM', 'STOPPING', 'REFILLING', 'COOLDOWN'];

export const SEVERITIES = { alarm: 'Alarm', supervisory: 'Supervisory', trouble: 'Trouble' };

/** Why the pump refused. */
const REFUSALS = {
  shutting_down: 'the program is ending',
  error: 'the pump is in ERROR: reset first',
  stop_held: 'a stop is held: reset first',
  stale: 'the order was too old',
  refill_lockout: 'the tank is still being refilled',
  run_budget: 'the engine time of this run is used up',
  engine_not_stopped: 'the engine has not stopped yet',
  valve_close_delay_is_0: 'pump.valve_close_delay is 0',
  stop_button_active: 'the stop button is still pressed',
  stop_button_unreadable: 'the stop button cannot be read',
  role: 'the role of who ordered allows no orders',
  csrf: 'it did not come with the token of its session',
  safe_mode: 'safe mode: automatic starts are off',
};

export const COMMANDS = { stop: 'Emergency stop', start: 'Start', reset: 'Reset', valve_open: 'Open main valve', valve_close: 'Close main valve' };

export const refusal = (reason) => REFUSALS[reason] ?? String(reason || 'no reason was given').replaceAll('_', ' ');

/** Words with a capital at their head: what comes from the house begins as it may. */
export const sentence = (s) => s.charAt(0).toUpperCase() + s.slice(1);

/** snake_case → Words. */
export function plain(name) {
  const s = String(name ?? '').replaceAll('_', ' ').trim().replace(/\b(mqtt|rpm|gpio|nvr|ip)\b/gi, (w) => w.toUpperCase());
  return sentence(s);
}

const LINES = { rpm_reduce: 'RPM reduction', reservoir_float: 'Tank float' };
export const lineName = (name) => LINES[name] ?? plain(name);

/** What kind of thing an event is: a lane of the timeline. */
export const LANES = { fire: 'Fire', pump: 'Pump', person: 'Orders', fault: 'Alarms', camera: 'Cameras', system: 'System' };

const FAULTS = /^alarm_|degraded|failed|failure|error|low_pressure|dry_run|will_not_stop|retry|tripped|disconnected|simulation|shutdown_cancelled/;
export function laneOf(event) {
  const a = event.action ?? '';
  if (event.details?.severity === 'alarm') return 'fire';
  if (/^(trigger_|error_state_trigger)/.test(a) || a === 'pump_sequence_start' && event.details?.cause !== 'emergency') return 'fire';
  if (/^(emergency_|command_)/.test(a)) return 'person';
  if (/^camera_/.test(a)) return 'camera';
  if (FAULTS.test(a)) return 'fault';
  if (/^(mqtt_|health_|controller_|boot_|config_|reload)/.test(a)) return 'system';
  return 'pump';
}

/** The icon of a lane. */
export const LANE_ICONS = { fire: 'alarm', pump: 'pump', person: 'person', fault: 'trouble', camera: 'camera', system: 'gear' };

const isAlarm = (event) => event.action?.startsWith('alarm_') && Boolean(event.details?.title);

/** What an event is called; an alarm has a title. */
export const eventName = (event) => (isAlarm(event) ? `${plain(event.action)}: ${event.details.title}` : plain(event.action));

const ELSEWHERE = ['source', 'by']; // in a column of their own
const TITLED = ['code', 'title', 'severity', 'first']; // said by an alarm's title and sign

const figure = (value) => (typeof value === 'number' ? Math.round(value * 10) / 10 : Array.isArray(value) ? value.join(', ') : value);

/** One line about an event: its reason, and what its details say; what is not so is not said. */
export function eventText(event) {
  const refused = /refused|blocked|ignored/.test(event.action);
  const parts = event.reason && event.reason !== event.details?.by ? [refused ? refusal(event.reason) : plain(event.reason)] : [];
  for (const [key, value] of Object.entries(event.details ?? {})) {
    if (ELSEWHERE.includes(key) || isAlarm(event) && TITLED.includes(key)) continue;
    if (value === null || value === false || value === '' || typeof value === 'object' && !(Array.isArray(value) && value.length)) continue;
    parts.push(value === true ? key.replaceAll('_', ' ') : `${key.replaceAll('_', ' ')} ${figure(value)}`);
  }
  return parts.join(' · ');
}

export function seconds(value) {
  const s = Math.max(0, Math.round(value));
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${(s / 3600).toFixed(1).replace(/\.0$/, '')} h`;
  return `${Math.round(s / 86400)} days`;
}

/** 0:07, 12:30, 1:02:03. */
export function clock(value) {
  const s = Math.max(0, Math.ceil(value - 0.05));
  const tail = `${String(s % 60).padStart(2, '0')}`;
  return s < 3600 ? `${Math.floor(s / 60)}:${tail}`
    : `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, '0')}:${tail}`;
}

const two = (n) => String(n).padStart(2, '0');

/** Local time of Unix seconds: 14:03:22, with the date if it is not today. */
export function when(unix, withDate = false) {
  const d = new Date(unix * 1000);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  const today = new Date().toDateString() === d.toDateString();
  return today && !withDate ? time : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`;
}

export function bytes(n) {
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)} GB`;
  return `${(n / 1e6).toFixed(0)} MB`;
}

/** A share of the frame as percent, with as many digits as it needs. */
export function share(area) {
  const p = area * 100;
  return `${p < 1 ? p.toFixed(2) : p < 10 ? p.toFixed(1) : p.toFixed(0)} %`;
}

/** a, b and c; at most so many, then "and n more". */
export function list(names, most = 4) {
  if (names.length > most) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
