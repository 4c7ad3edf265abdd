const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * The 32-bit murmur2 hash with the seed of Kafka's Java client (org.apache.kafka.common.utils.Utils).
 *
 * @param data Key bytes.
 */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  let hash = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const left = length - i;
  if (left === 3) hash ^= data[i + 2]! << 16;
  if (left >= 2) hash ^= data[i + 1]! << 8;
  if (left >= 1) hash = Math.imul(hash ^ data[i]!, M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return (hash ^ (hash >>> 15)) | 0;
}

const encoder = new TextEncoder();

/**
 * The partition of a key, equal to the Java client's default partitioner.
 *
 * @param key Key text.
 * @param partitions How many partitions the topic has.
 */
export function partitionOfKey(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions;
}
