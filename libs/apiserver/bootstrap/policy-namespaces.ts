// The roles and bindings inside the system namespaces. Notation: policy-roles.ts, with NAMESPACE/NAME.

/** Roles and role bindings of kube-system and kube-public. */
export const namespaceRoleData = `
role kube-public/system:controller:bootstrap-signer
  get list watch : core : configmaps
  update : core : configmaps : cluster-info
  create patch update : core events.k8s.io : events
role kube-system/extension-apiserver-authentication-reader
  get list watch : core : configmaps : extension-apiserver-authentication
role kube-system/system::leader-locking-kube-controller-manager
  create get list update watch : coordination.k8s.io : leases
  create get list update watch : coordination.k8s.io : leasecandidates
role kube-system/system::leader-locking-kube-scheduler
  create get list update watch : coordination.k8s.io : leases
  create get list update watch : coordination.k8s.io : leasecandidates
role kube-system/system:controller:bootstrap-signer
  get list watch : core : secrets
role kube-system/system:controller:cloud-provider
  create get list watch : core : configmaps
role kube-system/system:controller:token-cleaner
  delete get list watch : core : secrets
  create patch update : core events.k8s.io : events
bind kube-public/system:controller:bootstrap-signer Role/system:controller:bootstrap-signer s:kube-system/bootstrap-signer
bind kube-system/system::extension-apiserver-authentication-reader Role/extension-apiserver-authentication-reader u:system:kube-controller-manager u:system:kube-scheduler
bind kube-system/system::leader-locking-kube-controller-manager Role/system::leader-locking-kube-controller-manager u:system:kube-controller-manager s:kube-system/kube-controller-manager s:kube-system/leader-election-controller
bind kube-system/system::leader-locking-kube-scheduler Role/system::leader-locking-kube-scheduler u:system:kube-scheduler s:kube-system/kube-scheduler
bind kube-system/system:controller:bootstrap-signer Role/system:controller:bootstrap-signer s:kube-system/bootstrap-signer
bind kube-system/system:controller:cloud-provider Role/system:controller:cloud-provider s:kube-system/cloud-provider
bind kube-system/system:controller:token-cleaner Role/system:controller:token-cleaner s:kube-system/token-cleaner
`;
