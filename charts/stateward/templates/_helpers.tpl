{{- define "stateward.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* No longer than what is made of it may be: a CronJob's name has 52 characters. */}}
{{- define "stateward.fullname" -}}
{{- $name := include "stateward.name" . -}}
{{- $own := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $own .Values.fullnameOverride | trunc 43 | trimSuffix "-" -}}
{{- end -}}

{{- define "stateward.selector" -}}
app.kubernetes.io/name: {{ include "stateward.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "stateward.labels" -}}
{{ include "stateward.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "stateward.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "stateward.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "stateward.configMap" -}}
{{- default (include "stateward.fullname" .) .Values.existingConfigMap -}}
{{- end -}}

{{- define "stateward.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Not empty where the daemon agrees with others by a Lease. */}}
{{- define "stateward.leased" -}}
{{- if and .Values.daemon.enabled (eq (dig "leader" "lease" "file" .Values.config) "kubernetes") -}}yes{{- end -}}
{{- end -}}

{{- define "stateward.lease" -}}
{{- dig "leader" "name" (include "stateward.fullname" .) .Values.config -}}
{{- end -}}

{{/* One for the target, and one for each of the targets that have a name. */}}
{{- define "stateward.leases" -}}
{{- $name := include "stateward.lease" . -}}
{{- $names := list $name -}}
{{- range $target, $_ := dig "targets" (dict) .Values.config -}}
{{- $names = append $names (printf "%s-%s" $name $target) -}}
{{- end -}}
{{- join ", " $names -}}
{{- end -}}

{{- define "stateward.port" -}}
{{- regexFind "[0-9]+$" .Values.daemon.listen -}}
{{- end -}}

{{/* What all containers have in common. The context: root, name, args, more (further fields). */}}
{{- define "stateward.container" -}}
{{- $ := .root -}}
- name: {{ .name }}
  image: {{ include "stateward.image" $ }}
  imagePullPolicy: {{ $.Values.image.pullPolicy }}
  args:
    {{- toYaml .args | nindent 4 }}
  env:
    - {name: STATEWARD_CONFIG, value: /etc/stateward/stateward.yaml}
    - {name: STATEWARD_STATE, value: {{ default "sqlite:////var/lib/stateward/state.db" $.Values.state.url | quote }}}
    {{- if $.Values.state.url }}
    - {name: STATEWARD_STATE_DIRECTORY, value: /var/lib/stateward}
    {{- end }}
    - {name: HOME, value: /var/lib/stateward}
    {{- with .env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with $.Values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  workingDir: /var/lib/stateward
  {{- with .more }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  resources:
    {{- toYaml $.Values.resources | nindent 4 }}
  securityContext:
    {{- toYaml $.Values.securityContext | nindent 4 }}
  volumeMounts:
    - {name: config, mountPath: /etc/stateward, readOnly: true}
    - {name: state, mountPath: /var/lib/stateward}
    - {name: tmp, mountPath: /tmp}
    {{- range $name, $_ := $.Values.secrets }}
    - {name: {{ printf "secret-%s" $name }}, mountPath: {{ printf "/run/secrets/%s" $name }}, readOnly: true}
    {{- end }}
    {{- with $.Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* What all pods have in common. The context: root, claim (a name, or none), token (whether it is mounted). */}}
{{- define "stateward.pod" -}}
{{- $ := .root -}}
serviceAccountName: {{ include "stateward.serviceAccount" $ }}
automountServiceAccountToken: {{ .token }}
{{- with $.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml $.Values.podSecurityContext | nindent 2 }}
{{- with $.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "stateward.configMap" $ }}
  - name: state
    {{- if .claim }}
    persistentVolumeClaim:
      claimName: {{ .claim }}
    {{- else }}
    emptyDir: {}
    {{- end }}
  - name: tmp
    emptyDir: {}
  {{- range $name, $own := $.Values.secrets }}
  - name: {{ printf "secret-%s" $name }}
    secret:
      secretName: {{ $own.secretName }}
      defaultMode: 0440
  {{- end }}
  {{- with $.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
