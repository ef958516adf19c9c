/**
 * Who may read an image. It is an app's whole memory, so nobody but root; but CRIU opens most of the files from inside the app's
 * user namespace, as the root of that one: without the bits for it a restore fails with `Unable to open utsns-12.img: Permission
 * denied`. CRIU itself makes them readable for everybody (0644, image.h CR_FD_PERM); a draft is therefore closed as a directory.
 */
import * as z from 'zod';

export type Access = { readonly gid: number; readonly directoryMode: number; readonly fileMode: number };

const mapping = z.object({ containerID: z.number(), hostID: z.number(), size: z.number() });
const configSchema = z.object({
  linux: z.object({
    namespaces: z.array(z.object({ type: z.string() })).optional(),
    gidMappings: z.array(mapping).optional(),
  }),
});

const ROOT_ONLY: Access = { gid: 0, directoryMode: 0o700, fileMode: 0o600 };
/** A namespace without a root of its own: CRIU is there as nobody. */
const EVERYBODY: Access = { gid: 0, directoryMode: 0o711, fileMode: 0o644 };

/** `config`: the container's config.json. Source: runtime-spec config-linux.md, "User namespace mappings". */
export function accessFor(config: unknown): Access {
  const linux = configSchema.safeParse(config).data?.linux;
  if (!linux?.namespaces?.some(({ type }) => type === 'user')) return ROOT_ONLY;
  const root = linux.gidMappings?.find(({ containerID, size }) => containerID === 0 && size > 0);
  return root === undefined ? EVERYBODY : { gid: root.hostID, directoryMode: 0o710, fileMode: 0o640 };
}
