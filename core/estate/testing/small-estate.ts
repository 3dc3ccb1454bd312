/** A file without a fault: every kind, two IDCs, two clusters. Line numbers are relied on by no test. */
export const smallEstate = `
kind: City
name: shenzhen
title: 深圳
---
- { kind: IDC, name: idc1, spec: { city: shenzhen } }
- { kind: IDC, name: idc2, spec: { city: shenzhen } }
- { kind: Area, name: core, spec: { external: false, prefixes: [10.0.0.0/8] } }
- { kind: Area, name: dmz, spec: { external: true } }
- { kind: Rack, name: idc1-r1, spec: { idc: idc1 } }
- { kind: Rack, name: idc2-r1, spec: { idc: idc2, state: unavailable } }
- { kind: Environment, name: production, spec: { ticketRequired: true, approvals: 1 } }
- { kind: Environment, name: uat, spec: { ticketRequired: false, approvals: 0 } }
- { kind: Business, name: retail, title: 零售业务 }
- { kind: Person, name: wang-wei, spec: { email: wang.wei@bank.example, business: retail } }
- { kind: System, name: savings, spec: { business: retail } }
- { kind: Class, name: 4C8G, spec: { cpuMilli: 4000, memoryMiB: 8192 } }
- { kind: Cluster, name: idc1-c1, spec: { idc: idc1, environment: production } }
- { kind: Cluster, name: idc2-c1, spec: { idc: idc2, environment: production } }
- { kind: DCNGroup, name: 1C }
- { kind: DCN, name: 1C1, spec: { group: 1C, idc: idc1, environment: production, role: active, clusters: [idc1-c1] } }
- { kind: DCN, name: 1C2, spec: { group: 1C, idc: idc2, environment: production, role: standby } }
---
kind: Subnet
name: idc1-r1-core
spec:
  rack: idc1-r1
  area: core
  cidr: 10.71.1.0/24
  gateway: 10.71.1.254
  fixed: 10.71.1.100-10.71.1.199
  dynamic: 10.71.1.20-10.71.1.99
---
kind: Subnet
name: idc2-r1-core
spec:
  rack: idc2-r1
  area: core
  cidr: 10.72.1.0/24
  gateway: 10.72.1.254
  fixed: 10.72.1.100-10.72.1.199
---
kind: Pool
name: shared-1
spec:
  environment: production
  cpuOvercommitPercent: 120
  bigClass: 4C8G
  quotas:
    retail:
      guarantee: { cpuMilli: 24000, memoryMiB: 65536 }
      limit: { cpuMilli: 48000, memoryMiB: 131072 }
---
kind: Subsystem
name: "0101"
spec:
  system: savings
  importance: A
  owner: wang-wei
  operationsGroup: savings-operations
  areas: [core]
  rules:
    maxPerHost: 1
    survival: [{ domain: rack, of: dcn, sharePercent: 50 }]
---
kind: Host
name: idc1-h1
labels: { disk: ssd }
spec:
  rack: idc1-r1
  cluster: idc1-c1
  pool: shared-1
  addresses: { core: 10.71.1.1 }
  capacity: { cpuMilli: 32000, memoryMiB: 65536 }
---
kind: VM
name: idc1-v1
spec:
  rack: idc1-r1
  addresses: { core: 10.71.1.11 }
  subsystem: "0101"
  dcn: 1C1
`;
