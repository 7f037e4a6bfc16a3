// ImageLocality: prefers nodes that have the pod's images already, large ones most; not so much that few nodes get all.
import { maxNodeScore, type ScorePlugin } from '../framework.ts';
import { withTag } from '../images.ts';
import { comparisonsMax } from '../matching.ts';

const mebibyte = 1024 * 1024;
/** Bytes below which images count for nothing. */
const ignoredBytes = 23 * mebibyte;
/** Bytes for each image above which more makes no difference. */
const saturatedBytes = 1000 * mebibyte;

export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  begin({ pod }, cluster, feasible) {
    const { containers = [], initContainers = [], volumes = [] } = pod.spec ?? {};
    const images = [
      ...[...initContainers, ...containers].map(({ image }) => image),
      ...volumes.filter((volume) => volume.image !== undefined).map((volume) => volume.image?.reference),
    ].map((image) => withTag(image ?? ''));
    const max = saturatedBytes * images.length;
    // The same image on every node draws as much as it is large; on few nodes, less.
    const shares = images.map((image) => cluster.nodesWithImage(image) / cluster.nodes.length);
    // A wish that costs too much is not heard.
    if (shares.every((share) => share === 0) || images.length * feasible.length > comparisonsMax) return undefined;
    return {
      score(node) {
        const bytes = images.reduce((sum, image, i) => sum + Math.floor((node.images.get(image) ?? 0) * (shares[i] ?? 0)), 0);
        const counted = Math.min(Math.max(bytes, ignoredBytes), max);
        return Math.floor((maxNodeScore * (counted - ignoredBytes)) / (max - ignoredBytes));
      },
    };
  },
};
