"""Options of kubectl that take a value."""

from __future__ import annotations

from ..words import words

VALUED = words(
    """
        -n --namespace --context --cluster --user --kubeconfig --server -s --token --as --as-group --as-uid
        --certificate-authority --client-certificate --client-key --tls-server-name --request-timeout
        --cache-dir -v --v --vmodule --username --password --profile --profile-output -o --output -l
        --selector --field-selector -f --filename -k --kustomize -c --container --since --since-time --tail
        --limit-bytes --max-log-requests --timeout --grace-period --sort-by -L --label-columns --chunk-size
        --template --subresource --type -p --patch --patch-file --replicas --current-replicas
        --resource-version --image --overrides --override-type --port --address --pod-selector --to-revision
        --revision --for --from --from-file --from-literal --from-env-file --field-manager --duration
        --audience --bound-object-kind --bound-object-name --api-version --restart --env --labels
        --annotations --target --profile --copy-to --set-image --clusterrole --role --serviceaccount --group
        --verb --resource --resource-name --retries --concurrency --max --min --cpu-percent --cpu --memory
        --requests --limits --pod-running-timeout --prefix --docker-server --docker-username
        --docker-password --docker-email --cert --key --schedule --class --rule --default-backend --hard
        --scopes --tcp --clusterip --node-port --external-name --name -
    """
)
