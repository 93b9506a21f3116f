// Saves the uploads that match a filter as a table.
import {asProblem, call} from '../api';
import {isoTime, plural} from '../format';
import type {Upload} from '../schema';
import {note} from '../store';
import type {UploadFilter} from './bulk';

const kMostRows = 100_000;
const kColumns = ['id', 'cdn', 'state', 'path', 'bucket', 'destination_path', 'size', 'attempts', 'created', 'finished', 'error', 'message', 'etag', 'checksum', 'callback_state', 'priority'] as const;

// A program for tables must not take a text for a formula.
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
}

function rowOf(upload: Upload): string {
  return kColumns
    .map((column) => {
      if (column === 'error') return cell(upload.error?.code ?? '');
      if (column === 'message') return cell(upload.error?.message ?? '');
      if (column === 'created' || column === 'finished') return cell(upload[column] === null ? '' : isoTime(upload[column] as number));
      return cell(upload[column] ?? '');
    })
    .join(',');
}

export async function saveCsv(filter: UploadFilter): Promise<void> {
  const lines = [kColumns.join(',')];
  let cursor: string | undefined;
  try {
    do {
      const page = await call('upload.list', {...filter, limit: 100, cursor});
      for (const upload of page.items) lines.push(rowOf(upload));
      cursor = page.next ?? undefined;
      if (lines.length % 5000 < 100 && lines.length > 5000) note(`${plural(lines.length - 1, 'row')} read …`);
    } while (cursor && lines.length <= kMostRows);
  } catch (error) {
    return note(asProblem(error).detail, true);
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([lines.join('\r\n') + '\r\n'], {type: 'text/csv'}));
  link.download = `uploads-${new Date().toISOString().slice(0, 16).replace(':', '')}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  note(cursor ? `The first ${plural(lines.length - 1, 'row')} are saved; more match. Narrow the filter for the rest.` : `${plural(lines.length - 1, 'row')} saved.`);
}
