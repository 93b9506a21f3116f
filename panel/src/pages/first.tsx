// What to do on a server that has no upload yet.
import {accounts} from '../store';
import {Code, Empty} from '../ui';

export function FirstSteps() {
  const one = accounts.value[0];
  const cdn = one?.cdn ?? 158;
  const user = one?.user ?? 'jb';
  return (
    <Empty title="No upload yet: three steps to the first one">
      <ol class="steps">
        <li>
          An account, whose number your programs send.
          <Code text={`vodlift account add --cdn ${cdn} --user ${user}`} />
        </li>
        <li>
          A bucket, and a check whether it takes uploads.
          <Code text={`vodlift bucket add --cdn ${cdn} --bucket my_bucket --region eu-west-1\nvodlift bucket check --cdn ${cdn} --bucket my_bucket`} />
        </li>
        <li>
          A file that lies in the account's folder of a storage.
          <Code text={`vodlift upload sestore4/${user}/films/a.mp4 --cdn ${cdn} --bucket my_bucket --watch`} />
        </li>
      </ol>
    </Empty>
  );
}
