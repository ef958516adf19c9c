/** Whom the root of a container is out here. */
type Mapped = {
  readonly linux?: { readonly gidMappings?: readonly { readonly containerID: number; readonly hostID: number }[] };
};

/** Group on the host of the container's root; root's own without a user namespace. */
export const rootGroup = (config: object): number =>
  (config as Mapped).linux?.gidMappings?.find(({ containerID }) => containerID === 0)?.hostID ?? 0;
