import type { Log } from '../../base/log.ts';
import type { CopyObserver, FileProgress } from '../../copy/observer.ts';
import { describeSigners, type VerifiedContent } from '../../files/content-check.ts';
import type { Reporter } from '../report.ts';

/** An observer that also says who vouches for a file, to those who asked for it with -v, and what is odd about one, to everybody. */
export function tellingSigners(observer: CopyObserver, reporter: Reporter, log: Log): CopyObserver {
  const tell = (name: string, content: VerifiedContent): void => {
    const { type, product, version, warnings } = content;
    log.debug(1, `${name}: ${type} image for ${product}, version ${version}, signed by ${describeSigners(content)}`);
    for (const warning of warnings) reporter.notice(`${name}: ${warning}`);
  };
  return {
    ...observer,
    fileStarted: (name, size, paths): FileProgress => {
      const file = observer.fileStarted(name, size, paths);
      return {
        moved: (bytes, content) => file.moved(bytes, content),
        resumed: (bytes) => (file.resumed === undefined ? file.moved(bytes) : file.resumed(bytes)),
        verified: (content) => {
          file.verified?.(content);
          tell(name, content);
        },
        finished: (landed) => file.finished(landed),
      };
    },
  };
}
