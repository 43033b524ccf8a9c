/** The width and height that an image states in its first bytes: PNG, JPEG, GIF and WebP. */

export interface Size {
  readonly width: number
  readonly height: number
}

/** Undefined for other formats, and where the bytes end before they say it. */
export const read = (bytes: Uint8Array): Size | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = view.byteLength < 30 ? undefined : (png(view) ?? gif(view) ?? webp(view) ?? jpeg(view))
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined
}

/** Whether the first bytes are those of a JPEG, which states its size further on than the others. */
export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8

/** IHDR is the first chunk: PNG, third edition, 11.2.1. */
const png = (view: DataView): Size | undefined =>
  view.getUint32(0) === 0x89504e47 ? { width: view.getUint32(16), height: view.getUint32(20) } : undefined

const gif = (view: DataView): Size | undefined =>
  view.getUint32(0) === 0x47494638 ? { width: view.getUint16(6, true), height: view.getUint16(8, true) } : undefined

/** RFC 9649, 2.5 to 2.7. */
const webp = (view: DataView): Size | undefined => {
  if (view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57454250) return undefined
  switch (view.getUint32(12)) {
    case 0x56503820:
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
    case 0x5650384c: {
      const bits = view.getUint32(21, true)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 0x56503858:
      return {
        width: (view.getUint32(24, true) & 0xffffff) + 1,
        height: ((view.getUint16(27, true) | (view.getUint8(29) << 16)) & 0xffffff) + 1
      }
    default:
      return undefined
  }
}

/** The first frame header among the segments: ITU T.81, B.2.2. */
const jpeg = (view: DataView): Size | undefined => {
  if (view.getUint16(0) !== 0xffd8) return undefined
  let at = 2
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    // Any number of 0xff may fill the gap before a marker.
    if (marker === 0xff) at += 1
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    } else at += 2 + view.getUint16(at + 2)
  }
  return undefined
}
