/**
 * APPNOTE 4.4.6: MS-DOS time and date, in UTC so that the same moment gives the same bytes everywhere. Two seconds are
 * the unit, 1980 to 2107 the range.
 */
export function dosTime(date: Date): { time: number; date: number } {
  const year = Math.min(Math.max(date.getUTCFullYear(), 1980), 2107);
  return {
    time: (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1),
    date: ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate(),
  };
}
