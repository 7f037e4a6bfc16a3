// Answers to the API server that asks before an Ingress is written (admission.k8s.io/v1, AdmissionReview). Decides by a port.
import type { Ingress } from '@drydock/api/generated/types.ts';

/** What is to be said of an Ingress before it is written. */
export interface Judgement {
  /** Why it may not be written, in ingress-nginx's words; undefined where it may. */
  readonly refusal: string | undefined;
  /** What of it will not be served all the same. */
  readonly warnings: readonly string[];
}

export interface AdmissionAnswer {
  readonly code: number;
  readonly body: string;
}

interface Review {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly request?: {
    readonly uid?: unknown;
    readonly kind?: { readonly group?: unknown; readonly version?: unknown; readonly kind?: unknown };
    readonly name?: unknown;
    readonly namespace?: unknown;
    readonly operation?: unknown;
    readonly object?: unknown;
  };
}

const apiVersion = 'admission.k8s.io/v1';
/** As the API asks: longer warnings are cut there. */
const warningCharsMax = 120;

/** What a review in JSON is answered. Rejects where `judge` does. */
export async function answerReview(text: string, judge: (ingress: Ingress) => Promise<Judgement>): Promise<AdmissionAnswer> {
  const review = parse(text);
  const request = review?.request;
  if (review?.apiVersion !== apiVersion || review.kind !== 'AdmissionReview' || typeof request?.uid !== 'string')
    return { code: 400, body: 'request is not of type AdmissionReview v1 or v1beta1\n' };
  const { group, version, kind } = request.kind ?? {};
  if (group !== 'networking.k8s.io' || version !== 'v1' || kind !== 'Ingress') {
    const what = `${String(group)}/${String(version)}, Kind=${String(kind)}`;
    const where = `with name ${String(request.name)} in namespace ${String(request.namespace)}`;
    const body = `rejecting admission review because the request does not contain an Ingress resource but ${what} ${where}\n`;
    return { code: 400, body };
  }
  const { uid, object } = request;
  const gone = request.operation === 'DELETE' || typeof object !== 'object' || object === null;
  const { refusal, warnings } = gone ? { refusal: undefined, warnings: [] } : await judge(object as Ingress);
  const shown = warnings.map((warning) => warning.slice(0, warningCharsMax));
  const status = { status: 'Failure', code: 400, reason: 'BadRequest', message: refusal };
  const response =
    refusal === undefined
      ? { uid, allowed: true, ...(shown.length === 0 ? {} : { warnings: shown }) }
      : { uid, allowed: false, status };
  return { code: 200, body: JSON.stringify({ apiVersion, kind: 'AdmissionReview', response }) };
}

function parse(text: string): Review | undefined {
  try {
    const review: unknown = JSON.parse(text);
    return typeof review === 'object' && review !== null ? review : undefined;
  } catch {
    return undefined;
  }
}
